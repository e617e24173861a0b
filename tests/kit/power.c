/* Writes down, in order, all that a process does to the files of one folder and all that it says on sockets.
 *
 * For LD_PRELOAD. POWER_FOLDER: the folder (with a slash at its end). POWER_LOG: the file it is written to, a
 * record after each call that worked; but "sync" and "said" come before the call: what a sync covers had ended
 * before it began, and what was said may be known the moment it leaves. tests/kit/power.py reads it.
 *
 * A record: kind, and in the host's byte order inode, offset, lengths of name and data; then name and data.
 * Not seen: mmap (SQLite maps only the -shm file, which it makes anew), sendfile, fallocate, io_uring.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct head {
  char kind[8];
  uint64_t inode, offset, name, data;
};

static int book = -1;
static const char *folder;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void __attribute__((constructor)) begin(void) {
  folder = getenv("POWER_FOLDER");
  const char *log = getenv("POWER_LOG");
  if (folder && log) {
    int (*really)(const char *, int, ...) = real("open");
    book = really(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  }
}

static void note(const char *kind, uint64_t inode, uint64_t offset, const char *name, const void *data, size_t size) {
  struct head head = {{0}, inode, offset, strlen(name), size};
  strncpy(head.kind, kind, sizeof head.kind);
  struct iovec parts[] = {{&head, sizeof head}, {(void *)name, head.name}, {(void *)data, size}};
  int before = errno;
  if (REAL(writev)(book, parts, 3) != (ssize_t)(sizeof head + head.name + size)) abort();
  errno = before;
}

/* The path of an open file or folder of ours, or 0. */
static const char *ours(int fd, char *path) {
  if (book < 0 || fd == book) return 0;
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int before = errno;
  ssize_t size = readlink(link, path, PATH_MAX - 2);
  errno = before;
  if (size < 0) return 0;
  path[size] = 0;
  size_t length = strlen(folder);
  if (strncmp(path, folder, length) == 0) return path + length;
  return strlen(path) == length - 1 && strncmp(path, folder, length - 1) == 0 ? path + length - 1 : 0;
}

static uint64_t inode_of(int fd) {
  struct stat about;
  return fstat(fd, &about) ? 0 : about.st_ino;
}

/* A name as the process gave it, below our folder; 0 where it is elsewhere. */
static const char *named(int at, const char *name, char *path) {
  if (book < 0) return 0;
  char real_folder[PATH_MAX], whole[PATH_MAX * 2];
  if (name[0] == '/') {
    snprintf(whole, sizeof whole, "%s", name);
  } else {
    char link[40];
    if (at == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t size = readlink(link, real_folder, sizeof real_folder - 1);
    if (size < 0) return 0;
    real_folder[size] = 0;
    snprintf(whole, sizeof whole, "%s/%s", real_folder, name);
  }
  size_t length = strlen(folder);
  if (strncmp(whole, folder, length)) return 0;
  snprintf(path, PATH_MAX, "%s", whole + length);
  return path;
}

/* -- what is said and written -------------------------------------------------------------------- */

static void said(int fd, const void *data, size_t size) {
  struct stat about;
  if (book >= 0 && fd != book && !fstat(fd, &about) && S_ISSOCK(about.st_mode))
    note("said", 0, 0, "", data, size < 200 ? size : 200);
}

static void wrote(int fd, const void *data, ssize_t size, uint64_t offset) {
  char path[PATH_MAX];
  const char *name = size > 0 ? ours(fd, path) : 0;
  if (name) note("write", inode_of(fd), offset, name, data, size);
}

/* Where a write without an offset went: it has moved the file's position, in append mode too. */
static void wrote_here(int fd, const void *data, ssize_t size) {
  char path[PATH_MAX];
  if (size > 0 && ours(fd, path)) wrote(fd, data, size, REAL(lseek64)(fd, 0, SEEK_CUR) - size);
}

ssize_t write(int fd, const void *data, size_t size) {
  said(fd, data, size);
  ssize_t done = REAL(write)(fd, data, size);
  wrote_here(fd, data, done);
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int many) {
  if (many > 0) said(fd, parts[0].iov_base, parts[0].iov_len);
  ssize_t done = REAL(writev)(fd, parts, many);
  char path[PATH_MAX];
  if (done <= 0 || !ours(fd, path)) return done;
  uint64_t offset = REAL(lseek64)(fd, 0, SEEK_CUR) - done;
  for (ssize_t left = done; left > 0; parts++) {
    ssize_t here = (ssize_t)parts->iov_len < left ? (ssize_t)parts->iov_len : left;
    wrote(fd, parts->iov_base, here, offset);
    offset += here, left -= here;
  }
  return done;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  ssize_t done = REAL(pwrite64)(fd, data, size, offset);
  wrote(fd, data, done, offset);
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }

ssize_t send(int fd, const void *data, size_t size, int flags) {
  said(fd, data, size);
  return REAL(send)(fd, data, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  if (message->msg_iovlen) said(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
  return REAL(sendmsg)(fd, message, flags);
}

/* -- what makes it last -------------------------------------------------------------------------- */

static void syncs(int fd) {
  char path[PATH_MAX];
  const char *name = ours(fd, path);
  if (name) note("sync", inode_of(fd), 0, name, "", 0);
}

int fsync(int fd) {
  syncs(fd);
  return REAL(fsync)(fd);
}

int fdatasync(int fd) {
  syncs(fd);
  return REAL(fdatasync)(fd);
}

void sync(void) {
  if (book >= 0) note("syncall", 0, 0, "", "", 0);
  REAL(sync)();
}

/* -- lengths and names --------------------------------------------------------------------------- */

int ftruncate64(int fd, off64_t size) {
  int failed = REAL(ftruncate64)(fd, size);
  char path[PATH_MAX];
  const char *name = failed ? 0 : ours(fd, path);
  if (name) note("cut", inode_of(fd), size, name, "", 0);
  return failed;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int opens(int at, const char *given, int flags, mode_t mode) {
  char path[PATH_MAX];
  const char *name = flags & (O_CREAT | O_TRUNC) ? named(at, given, path) : 0;
  struct stat about;
  int before = errno;
  int is_new = name && fstatat(at, given, &about, 0) != 0;
  errno = before;
  int (*really)(int, const char *, int, ...) = real("openat");
  int fd = really(at, given, flags, mode);
  if (fd >= 0 && name && is_new) note("make", inode_of(fd), 0, name, "", 0);
  else if (fd >= 0 && name && flags & O_TRUNC) note("cut", inode_of(fd), 0, name, "", 0);
  return fd;
}

#define MODE(flags, mode) \
  mode_t mode = 0; \
  if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, int); va_end(rest); }

int open(const char *name, int flags, ...) { MODE(flags, mode) return opens(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags, mode) return opens(AT_FDCWD, name, flags, mode); }
int openat(int at, const char *name, int flags, ...) { MODE(flags, mode) return opens(at, name, flags, mode); }
int openat64(int at, const char *name, int flags, ...) { MODE(flags, mode) return opens(at, name, flags, mode); }

int unlinkat(int at, const char *given, int flags) {
  char path[PATH_MAX];
  const char *name = named(at, given, path);
  int failed = REAL(unlinkat)(at, given, flags);
  if (!failed && name) note("remove", 0, 0, name, "", 0);
  return failed;
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int renameat(int from_at, const char *from, int to_at, const char *to) {
  char from_path[PATH_MAX], to_path[PATH_MAX];
  const char *old = named(from_at, from, from_path), *new = named(to_at, to, to_path);
  int failed = REAL(renameat)(from_at, from, to_at, to);
  if (!failed && old && new) note("rename", 0, 0, old, new, strlen(new));
  return failed;
}

int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int mkdirat(int at, const char *given, mode_t mode) {
  char path[PATH_MAX];
  const char *name = named(at, given, path);
  int failed = REAL(mkdirat)(at, given, mode);
  if (!failed && name) note("folder", 0, 0, name, "", 0);
  return failed;
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }
