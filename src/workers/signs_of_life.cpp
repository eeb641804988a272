#include "strata/workers/signs_of_life.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::workers {
namespace {

using Doing = Sign::Doing;

constexpr size_t kMostNames = 8;
// Workers that died at once come close behind each other; they are named together.
constexpr double kAlmost = 0.9;

std::string seconds(double duration) { return duration < 10.0 ? significant(duration, 2) : fixed(duration, 0); }

std::string join_some(std::vector<std::string> parts) {
  const size_t more = parts.size() > kMostNames ? parts.size() - kMostNames : 0;
  parts.resize(parts.size() - more);
  return join(parts, "; ") + (more > 0 ? str("; and ", more, " more") : "");
}

}  // namespace

std::string to_text(const Sign& sign) {
  return str(sign.alive, " ", sign.progress, " ", sign.step, " ", static_cast<int>(sign.doing));
}

Sign sign_of_text(const std::string& text) {
  Sign sign;
  int doing = -1;
  std::istringstream in(text);
  in >> sign.alive >> sign.progress >> sign.step >> doing;
  const bool is_whole = !in.fail() && in.peek() == std::istringstream::traits_type::eof();
  STRATA_CHECK(is_whole && doing >= 0 && doing <= static_cast<int>(Doing::kLeft), "\"", text,
               "\" is no worker's sign of life: do all run the same program?");
  sign.doing = static_cast<Doing>(doing);
  return sign;
}

SignsOfLife::SignsOfLife(std::vector<Introduction> workers, int mine, double timeout) : mine_(mine), timeout_(timeout) {
  for (Introduction& worker : workers) peers_.push_back({.introduction = std::move(worker)});
}

void SignsOfLife::hear(int rank, const Sign& sign, double now) {
  Peer& peer = peers_.at(static_cast<size_t>(rank));
  if (!peer.was_heard || sign.alive != peer.sign.alive) peer.heard_at = now;
  if (!peer.was_heard || sign.progress != peer.sign.progress || sign.doing != peer.sign.doing) peer.progressed_at = now;
  peer.sign = sign;
  peer.was_heard = true;
}

double SignsOfLife::lost_for(int rank, double now) const {
  if (rank == mine_ || peer(rank).sign.doing == Doing::kLeft) return 0.0;
  return now - peer(rank).heard_at;
}

double SignsOfLife::stuck_for(int rank, double now) const {
  return peer(rank).sign.doing == Doing::kComputing ? now - peer(rank).progressed_at : 0.0;
}

bool SignsOfLife::is_hung(int rank, double now, double limit) const {
  return lost_for(rank, now) >= limit || stuck_for(rank, now) >= limit;
}

std::optional<std::string> SignsOfLife::verdict(double now, double courtesy) const {
  std::vector<int> hung;
  int first_fine = world_size();
  for (int rank = world_size() - 1; rank >= 0; --rank) {
    is_hung(rank, now, kAlmost * timeout_) ? hung.push_back(rank) : void(first_fine = rank);
  }
  const double limit = timeout_ + (first_fine == mine_ ? 0.0 : courtesy);
  if (std::ranges::none_of(hung, [&](int rank) { return is_hung(rank, now, limit); })) return all_wait(now, limit);
  std::vector<std::string> charges;
  for (const int rank : hung) charges.insert(charges.begin(), charge(rank, now));
  return join_some(std::move(charges));
}

std::optional<std::string> SignsOfLife::all_wait(double now, double limit) const {
  std::map<int64_t, std::vector<int>> waiting;  // by step
  for (int rank = 0; rank < world_size(); ++rank) {
    if (peer(rank).sign.doing == Doing::kLeft) continue;
    if (peer(rank).sign.doing != Doing::kWaiting || now - peer(rank).progressed_at < limit) return std::nullopt;
    waiting[peer(rank).sign.step].push_back(rank);
  }
  if (waiting.empty()) return std::nullopt;
  std::vector<std::string> parts;
  for (const auto& [step, ranks] : waiting) parts.push_back(str(name_ranks(ranks), " in step ", step));
  return str("all workers have waited for each other for ", seconds(timeout_), " s: ", join_some(std::move(parts)));
}

std::string SignsOfLife::name(int rank) const {
  const Introduction& worker = peer(rank).introduction;
  return str("rank ", rank, " (host ", worker.host, ", pid ", worker.pid, ")");
}

std::string SignsOfLife::last_heard(int rank) const {
  return peer(rank).was_heard ? str("it was last heard in step ", peer(rank).sign.step) : "it was never heard";
}

std::string SignsOfLife::charge(int rank, double now) const {
  const double lost = lost_for(rank, now);
  if (lost >= kAlmost * timeout_)
    return str(name(rank), ": no sign of life for ", seconds(lost), " s; ", last_heard(rank));
  return str(name(rank), ": stuck in step ", peer(rank).sign.step, " for ", seconds(stuck_for(rank, now)), " s");
}

std::string SignsOfLife::describe(double now) const {
  constexpr double kQuiet = 5.0;  // seconds; signs come more often
  std::vector<std::string> parts;
  for (int rank = 0; rank < world_size(); ++rank) {
    const Peer& one = peer(rank);
    if (one.sign.doing == Doing::kLeft) {
      parts.push_back(str(name(rank), " has left the run"));
    } else if (lost_for(rank, now) >= std::min(kQuiet, timeout_)) {
      parts.push_back(
          str(name(rank), " gave no sign of life for ", seconds(lost_for(rank, now)), " s; ", last_heard(rank)));
    } else if (one.sign.doing == Doing::kComputing) {
      parts.push_back(
          str(name(rank), " has computed in step ", one.sign.step, " for ", seconds(stuck_for(rank, now)), " s"));
    }
  }
  return parts.empty() ? "all workers wait for each other" : join_some(std::move(parts));
}

}  // namespace strata::workers
