#include "cuda_on_host/emulator/guarded_buffer.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

#include "cuda_on_host/emulator/sanitizers.h"
#include "cuda_on_host/emulator/words.h"

namespace strata::test {
namespace {

namespace sanitizers = emulated::sanitizers;

size_t page_bytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

std::mutex mutex;
std::vector<const GuardedMemory*> guarded;  // read by the handler without the mutex: who faults is not changing it

void say(const GuardedMemory& memory, const char* address) {
  char text[256];
  const int length = std::snprintf(text, sizeof(text),
                                   "block (%u,%u,%u), thread (%u,%u,%u) or its launch: touches a byte %td behind the "
                                   "end of a guarded buffer of %zu\n",
                                   blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z,
                                   address - memory.data() - static_cast<ptrdiff_t>(memory.bytes()), memory.bytes());
  if (write(STDERR_FILENO, text, static_cast<size_t>(length)) < 0) return;
}

// Says what was touched and lets the access fail again, now without a handler.
void on_fault(int signal, siginfo_t* info, void*) {
  const char* address = static_cast<const char*>(info->si_addr);
  for (const GuardedMemory* memory : guarded) {
    if (address >= memory->guard() && address < memory->guard() + page_bytes()) say(*memory, address);
  }
  ::signal(signal, SIG_DFL);
}

void handle_faults() {
  if (sanitizers::kAddress) return;  // it says more
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
}

size_t rounded_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

GuardedMemory::GuardedMemory(size_t bytes, size_t alignment) : bytes_(bytes) {
  const size_t usable = rounded_up(std::max<size_t>(bytes, 1), page_bytes());
  void* pages = mmap(nullptr, usable + page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  pages_ = static_cast<char*>(pages);
  guard_ = pages_ + usable;
  data_ = guard_ - rounded_up(bytes, alignment);
  std::memset(pages_, 0xFF, usable);
  mprotect(guard_, page_bytes(), PROT_NONE);
  sanitizers::poison(pages_, usable);
  sanitizers::unpoison(data_, bytes_);
  const std::lock_guard lock(mutex);
  if (guarded.empty()) handle_faults();
  guarded.push_back(this);
}

GuardedMemory::~GuardedMemory() {
  {
    const std::lock_guard lock(mutex);
    std::erase(guarded, this);
  }
  const auto usable = static_cast<size_t>(guard_ - pages_);
  sanitizers::unpoison(pages_, usable);
  munmap(pages_, usable + page_bytes());
}

}  // namespace strata::test
