#include "output_flags.h"

#include "strata/base/check.h"
#include "text.h"

namespace strata::workers {
namespace {

// torchrun's: 1 stdout, 2 stderr, 3 both.
constexpr int kOut = 1;
constexpr int kErr = 2;
constexpr int kBoth = 3;

// "3", or "0:1,1:2": streams of each local rank.
std::vector<int> streams_of(const std::string& flag, const std::string& text, int workers) {
  std::vector<int> streams(static_cast<size_t>(workers), 0);
  if (text.empty()) return streams;
  if (text.find(':') == std::string::npos) {
    streams.assign(streams.size(), whole_number(flag, text, 0, kBoth));
    return streams;
  }
  for (const std::string& entry : split(text, ',')) {
    const std::vector<std::string> parts = split(entry, ':');
    if (parts.size() != 2) {
      throw UsageError(str(flag, "=", text, ": expected 0, 1 (stdout), 2 (stderr) or 3, or RANK:STREAMS,..."));
    }
    const int rank = whole_number(flag, parts[0], 0, workers - 1);
    streams[static_cast<size_t>(rank)] = whole_number(flag, parts[1], 0, kBoth);
  }
  return streams;
}

std::vector<bool> shown_ranks(const std::string& text, int workers) {
  std::vector<bool> shown(static_cast<size_t>(workers), text.empty());
  if (text.empty()) return shown;
  for (const std::string& rank : split(text, ',')) {
    shown[static_cast<size_t>(whole_number("--local-ranks-filter", rank, 0, workers - 1))] = true;
  }
  return shown;
}

}  // namespace

std::vector<WorkerOutput> output_of(const LaunchFlags& flags, int workers) {
  const std::vector<int> redirects = streams_of("--redirects", flags.redirects, workers);
  std::vector<int> tee = streams_of("--tee", flags.tee, workers);
  if (flags.log_dir.empty()) {
    const std::vector<int> none(tee.size(), 0);
    if (tee != none || redirects != none) {
      throw UsageError(str(tee != none ? "--tee" : "--redirects", " needs --log-dir: where the files go"));
    }
  } else if (flags.redirects.empty() && flags.tee.empty()) {
    tee.assign(tee.size(), kBoth);
  }
  const std::vector<bool> shown = shown_ranks(flags.local_ranks_filter, workers);
  std::vector<WorkerOutput> outputs;
  for (size_t rank = 0; rank < tee.size(); ++rank) {
    const auto route = [&](int stream) {
      const bool tees = (tee[rank] & stream) != 0;
      const bool redirects_it = (redirects[rank] & stream) != 0;
      return OutputRoute{.to_console = shown[rank] && (tees || !redirects_it), .to_file = tees || redirects_it};
    };
    outputs.push_back({.out = route(kOut), .err = route(kErr)});
  }
  return outputs;
}

}  // namespace strata::workers
