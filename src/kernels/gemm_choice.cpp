// Which GEMM library is the fastest here: measured once per machine, then remembered.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "gemm_libraries.h"
#include "strata/base/machine.h"
#include "strata/base/seed.h"
#include "strata/base/text.h"
#include "strata/base/threads.h"
#include "strata/base/version.h"

namespace strata::kernels {
namespace {

namespace fs = std::filesystem;

// Two kinds of models: what is the fastest for one of them is not for the other.
struct Shapes {
  const char* name;
  int64_t hidden, intermediate, layers;
};
constexpr Shapes kSmall{"hidden up to 256", 128, 352, 4};    // 9m
constexpr Shapes kLarge{"hidden above 256", 512, 1368, 12};  // 71m

const Shapes& shapes_of(const GemmUse& use) { return use.hidden <= 256 ? kSmall : kLarge; }

// Everything that the measurement depends on.
std::string circumstances(const GemmUse& use) {
  return processor_name() + " | " + std::to_string(num_threads()) + " threads | torch " + torch_version() + " | " +
         join(available_gemms(), " ") + " | " + shapes_of(use).name + " | " + at::toString(use.factors);
}

fs::path memory_file(const GemmUse& use) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path base = cache != nullptr ? fs::path(cache) : fs::path(home != nullptr ? home : "/tmp") / ".cache";
  return base / "strata" / ("gemm-" + std::to_string(derive_seed(0, circumstances(use))));
}

struct Choice {
  std::string name = {};  // empty: none
  double gflops = 0.0;    // of short_look_gflops
};

Choice recall(const fs::path& file) {
  Choice choice;
  std::ifstream(file) >> choice.name >> choice.gflops;
  return choice;
}

// The first process to get here decides for all: a link is never replaced.
void remember(const fs::path& file, const Choice& choice, const GemmUse& use) {
  std::error_code ignored;
  fs::create_directories(file.parent_path(), ignored);
  const fs::path temporary = file.string() + "." + std::to_string(std::random_device{}());
  std::ofstream(temporary) << choice.name << " " << choice.gflops << "\n" << circumstances(use) << "\n";
  fs::create_hard_link(temporary, file, ignored);
  fs::remove(temporary, ignored);
}

constexpr int64_t kTokens = 1560;

double feed_forward_gflops(const Gemm& gemm, const GemmUse& use, double seconds) {
  const Shapes& model = shapes_of(use);
  return measure_gemm(gemm, kTokens, 2 * model.intermediate, model.hidden, use.factors, seconds);
}

// Every program that takes the choice looks: a product of milliseconds.
double short_look_gflops(const Gemm& gemm, const GemmUse& use) {
  const Shapes& model = shapes_of(use);
  return measure_gemm(gemm, 256, 2 * model.intermediate, model.hidden, use.factors, 0.02);
}

// Of a step's products, by the rates of those that stand for the others: forward, weight gradient, and the three of the
// head, for as many rows of logits as are in a cache.
double seconds_of_step(const Gemm& gemm, const GemmUse& use) {
  constexpr int64_t kVocabulary = 32000, kRows = 256;
  constexpr double kSeconds = 0.1;  // for each
  const auto& [name, hidden, intermediate, layers] = shapes_of(use);
  const auto rate = [&](int64_t m, int64_t n, int64_t k) {
    return 1e9 * measure_gemm(gemm, m, n, k, use.factors, kSeconds);
  };
  const double of_layers = 2.0 * kTokens * static_cast<double>(layers * hidden * (4 * hidden + 3 * intermediate));
  const double of_head = 2.0 * kTokens * static_cast<double>(hidden * kVocabulary);
  return 2.0 * of_layers / (1e9 * feed_forward_gflops(gemm, use, kSeconds)) +
         of_layers / rate(hidden, 2 * intermediate, kTokens) + of_head / rate(kRows, kVocabulary, hidden) +
         of_head / rate(kVocabulary, hidden, kRows) + of_head / rate(kRows, hidden, kVocabulary);
}

Choice measure(const GemmUse& use) {
  Choice best;
  double least = std::numeric_limits<double>::infinity();
  for (const std::string& name : available_gemms()) {
    const auto gemm = make_gemm(name);
    const double seconds = seconds_of_step(*gemm, use);
    if (seconds >= least) continue;
    least = seconds;
    best = {.name = name, .gflops = short_look_gflops(*gemm, use)};
  }
  return best;
}

// Whether the machine has shown itself faster than it was when this was chosen.
bool is_outdated(const Choice& choice, const GemmUse& use) {
  constexpr double kFactor = 1.5;
  return short_look_gflops(*make_gemm(choice.name), use) > kFactor * choice.gflops;
}

}  // namespace

std::unique_ptr<Gemm> fastest_gemm(const GemmUse& use, bool anew) {
  const fs::path file = memory_file(use);
  const Choice known = recall(file);
  if (!known.name.empty() && !anew && !is_outdated(known, use)) return make_gemm(known.name);
  const Choice best = measure(use);
  std::error_code ignored;
  if (!known.name.empty()) fs::remove(file, ignored);
  remember(file, best, use);
  const std::string agreed = recall(file).name;
  return make_gemm(agreed.empty() ? best.name : agreed);
}

}  // namespace strata::kernels
