"""Files of the search without a server, for who may read the tree that they lie in."""

from __future__ import annotations

from archive_site import answers
from archive_site.answers import Answer
from archive_site.folder import Folder
from archive_site.pages import levels
from archive_site.tier_folder import read_tiers
from archive_site.urls import Route
from listserv.store.reading import Door


def tier_answer(folder: Folder, door: Door, route: Route) -> Answer | None:
    """Which tiers there are for this reader, or a file of one; None where there is nothing for them."""
    archive, name = door.shelf.settings.archive, door.shelf.name
    if folder.readers(name) != archive:
        return None  # what lies there is for others
    trees = [tree for tree, audiences in levels(archive) if set(audiences) <= set(door.audiences)]
    places = [folder.root / name / tree / "search" for tree in trees]
    if route.kind == "tiers":
        return answers.tier_file("tiers.json", read_tiers(places))
    for place in places:
        try:
            return answers.tier_file(route.file, (place / route.key / route.file).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            continue
    return None
