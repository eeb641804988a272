#include "fuzz/target.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "strata/base/check.h"
#include "strata/base/log.h"

// A target has no log.
void strata::log::warn(std::string_view) {}

void strata::fuzz::expect(bool kept, const char* promise) {
  if (kept) return;
  std::cerr << "broken promise: " << promise << std::endl;
  std::abort();
}

// PROGRAM --make-seeds FOLDER writes the seeds and ends.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  if (*count != 3 || std::string_view((*arguments)[1]) != "--make-seeds") return 0;
  int number = 0;
  for (const std::string& seed : strata::fuzz::seeds()) {
    std::ofstream file(strata::str((*arguments)[2], "/seed-", number++), std::ios::binary);
    if (!(file << seed << std::flush)) std::exit(EXIT_FAILURE);
  }
  std::exit(EXIT_SUCCESS);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    strata::fuzz::test_one({reinterpret_cast<const char*>(data), size});
  } catch (const strata::Error&) {
    // refused, as it may be
  }
  return 0;
}
