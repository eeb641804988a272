#include "strata/base/pinned_memory.h"

#include <ATen/ops/from_blob.h>
#include <c10/util/accumulate.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "strata/base/check.h"
#include "strata/base/integers.h"

namespace strata {
namespace {

PageLocks page_locks{};

}  // namespace

void use_page_locks(const PageLocks& locks) { page_locks = locks; }

at::Tensor pinned_memory(at::IntArrayRef shape, at::ScalarType dtype) {
  STRATA_ASSERT(page_locks.lock != nullptr);
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t wanted = c10::multiply_integers(shape) * static_cast<int64_t>(c10::elementSize(dtype));
  const auto bytes = static_cast<size_t>(quotient_up(std::max(wanted, int64_t{1}), page) * page);
  void* const begin = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  STRATA_CHECK(begin != MAP_FAILED, "no ", bytes, " bytes of the host's memory are there");
  madvise(begin, bytes, MADV_HUGEPAGE);  // a hint: it may be refused
  try {
    page_locks.lock(begin, bytes);
  } catch (...) {
    munmap(begin, bytes);
    throw;
  }
  const auto let_go = [bytes, unlock = page_locks.unlock](void* memory) {
    unlock(memory);
    munmap(memory, bytes);
  };
  return at::from_blob(begin, shape, let_go, at::TensorOptions().dtype(dtype));
}

}  // namespace strata
