// LD_PRELOAD: storage that fails once. Of the calls that open, write, sync, cut or rename something below the folder
// STRATA_FAILING_FOLDER, number STRATA_FAILING_CALL (from 1; 0: none) gives STRATA_FAILING_ERRNO and does nothing.
// STRATA_FAILING_LOG: a file that gets a line for each of them, the call's name and the path.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

const char* setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_below_folder(const char* path) {
  static const char* folder = setting("STRATA_FAILING_FOLDER");
  return folder[0] != '\0' && std::strncmp(path, folder, std::strlen(folder)) == 0;
}

void note(const char* call, const char* path) {
  static const int log = [] {
    const char* name = setting("STRATA_FAILING_LOG");
    return name[0] == '\0' ? -1
                           : static_cast<int>(syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND, 0666));
  }();
  if (log < 0) return;
  char line[PATH_MAX + 32];
  const int size = std::snprintf(line, sizeof line, "%s %s\n", call, path);
  syscall(SYS_write, log, line, static_cast<size_t>(size));
}

// Whether this call, on what may be a relative path, is the one.
bool fails(const char* call, const char* path) {
  static std::atomic<int> calls{0};
  static const int chosen = std::atoi(setting("STRATA_FAILING_CALL"));
  if (!is_below_folder(path)) return false;
  note(call, path);
  if (++calls != chosen) return false;
  errno = std::atoi(setting("STRATA_FAILING_ERRNO"));
  return true;
}

bool fails(const char* call, int descriptor) {
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return false;
  path[size] = '\0';
  return fails(call, path);
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int opened(const char* name, const char* path, int flags, va_list rest) {
  using Open = int(const char*, int, ...);
  const bool has_mode = (flags & (O_CREAT | O_TMPFILE)) != 0;
  const auto mode = has_mode ? va_arg(rest, mode_t) : mode_t{0};
  return fails("open", path) ? -1 : next<Open>(name)(path, flags, mode);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int descriptor = opened("open", path, flags, rest);
  va_end(rest);
  return descriptor;
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int descriptor = opened("open64", path, flags, rest);
  va_end(rest);
  return descriptor;
}

FILE* fopen(const char* path, const char* mode) {
  return fails("fopen", path) ? nullptr : next<FILE*(const char*, const char*)>("fopen")(path, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  return fails("fopen", path) ? nullptr : next<FILE*(const char*, const char*)>("fopen64")(path, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  return fails("write", descriptor) ? -1 : next<ssize_t(int, const void*, size_t)>("write")(descriptor, bytes, size);
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  return fails("write", descriptor) ? -1 : next<ssize_t(int, const iovec*, int)>("writev")(descriptor, parts, count);
}

int fsync(int descriptor) { return fails("fsync", descriptor) ? -1 : next<int(int)>("fsync")(descriptor); }

int truncate(const char* path, off_t size) {
  return fails("truncate", path) ? -1 : next<int(const char*, off_t)>("truncate")(path, size);
}

int rename(const char* from, const char* to) {
  return fails("rename", from) ? -1 : next<int(const char*, const char*)>("rename")(from, to);
}

}  // extern "C"
