/* A disk that cannot keep what it was given, for a real process: loaded before libc. While the file that
 * FAILING_SYNC names is there, fdatasync and fsync of a write-ahead log fail with EIO, and the bytes since
 * the last sync are zeros from then on. A sync with nothing new to write succeeds again and brings nothing
 * back: so do kernels, which take pages that could not be written for clean. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 4096

/* By descriptor: these and the numbers of inodes are given out again, names of logs are not. */
static struct {
  char path[512];
  off_t bytes;
} synced[FILES];

static int is_log(int fd, char path[512]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, 511);
  path[length < 0 ? 0 : length] = 0;
  return length > 4 && strcmp(path + length - 4, ".wal") == 0;
}

static void lose(int fd, off_t from, off_t to) {
  static const char zeros[4096];
  while (from < to) {
    size_t part = to - from < (off_t)sizeof zeros ? (size_t)(to - from) : sizeof zeros;
    ssize_t written = pwrite(fd, zeros, part, from);
    if (written <= 0) return;
    from += written;
  }
}

static int sync_log(int fd, const char *path, int (*really)(int)) {
  struct stat status;
  if (fstat(fd, &status) != 0) return -1;
  if (strcmp(synced[fd].path, path) != 0) {
    strcpy(synced[fd].path, path);
    synced[fd].bytes = 0;
  }
  const char *flag = getenv("FAILING_SYNC");
  if (flag != NULL && access(flag, F_OK) == 0 && status.st_size > synced[fd].bytes) {
    lose(fd, synced[fd].bytes, status.st_size);
    synced[fd].bytes = status.st_size;
    errno = EIO;
    return -1;
  }
  int result = really(fd);
  if (result == 0) synced[fd].bytes = status.st_size;
  return result;
}

int fdatasync(int fd) {
  char path[512];
  int (*really)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return fd < FILES && is_log(fd, path) ? sync_log(fd, path, really) : really(fd);
}

int fsync(int fd) {
  char path[512];
  int (*really)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return fd < FILES && is_log(fd, path) ? sync_log(fd, path, really) : really(fd);
}
