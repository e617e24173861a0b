#!/bin/sh
# bench/peers.sh [quick] [PEER]…   us beside Mailman 3, mlmmj and the bare wire, in one run; then one table
#
# PEER: wire, mlmmj, mailman, public-inbox, listserv; all five if none is named. Debian, root: what is missing is installed
# from apt and PyPI (../shared/bench/peers/setup.sh). quick: 1,000 members, one round, to see that it works.
# $BENCH_LISTSERV: the `listserv` to measure, a command; else the one of .venv. Figures go to bench/out/peers/.
set -eu
cd "$(dirname "$0")/.."
from=$PWD/../shared/bench/peers
into=$PWD/bench/out/peers
python=${BENCH_PYTHON:-$PWD/.venv/bin/python}
BENCH_LISTSERV=${BENCH_LISTSERV:-$PWD/.venv/bin/listserv}
export BENCH_LISTSERV

big=fanout
old=10000       # posts of an archive
export CONCS="${CONCS:-4,16}"
if [ "${1:-}" = quick ]; then
    shift
    big=fanout1k
    old=1000
    export ROUNDS=1 QUIET_BUDGET=0
fi
[ $# -gt 0 ] || set -- wire mlmmj mailman public-inbox listserv

[ -d "$from" ] || { echo "There is no $from; it holds the peers' side of this." >&2; exit 1; }
mkdir -p "$into"
cp -R "$from/." "$into/"
cp bench/peers/*.py "$into/"
chmod -R u+w "$into"
root=$PWD
cd "$into"

for peer; do
    rm -f "out/$peer.jsonl"
    case $peer in
    wire) command -v smtp-source >/dev/null || sh setup.sh wire ;;
    mlmmj) command -v mlmmj-receive >/dev/null || sh setup.sh mlmmj ;;
    public-inbox) command -v public-inbox-init >/dev/null ||
        apt-get install -y -qq public-inbox libsearch-xapian-perl libdbd-sqlite3-perl libplack-perl ;;
    mailman) [ -x "${PEERS_PREFIX:-/opt/peers}/mailman/bin/master" ] || sh setup.sh mailman ;;
    esac
done
each() {        # PEER MEASURE…   each by itself, so that one that fails takes no other with it
    of=$1
    shift
    for measure; do
        python3 watched.py sh run.sh "$of" "$measure" || echo "$of $measure failed" >&2
    done
}
for peer; do
    case $peer in
    wire) each wire calib c ;;
    mlmmj) each mlmmj calib latency "$big:bulk-500" fanout1k:verp-default ingest calib ;;
    public-inbox)   # the archive alone, and ours beside it
        (cd "$root" && "$python" -m bench.peers.public_inbox "$into/out" "$old" &&
            $BENCH_LISTSERV bench archive --members "$old" >bench/out/archive.jsonl) || echo "$peer failed" >&2 ;;
    mailman) each mailman calib startup latency "$big:bulk-default" fanout1k:personal ingest calib ;;
    *) each "$peer" calib startup latency "$big" ingest calib ;;
    esac
done
python3 ./collate.py -w
cd "$root"
exec "$python" -m bench.table peers "$into/out"
