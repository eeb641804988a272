#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/workers/introduction.h"

namespace strata::workers {

/// What a worker tells the others about once a second.
struct Sign {
  enum class Doing { kComputing, kWaiting, kLeft };  // waiting: for other workers

  int64_t alive = 0;     // signs so far
  int64_t progress = 0;  // of the thread that computes: beats, and changes between computing and waiting
  int64_t step = 0;
  Doing doing = Doing::kComputing;
};

std::string to_text(const Sign& sign);
/// Throws Error if that is no sign.
Sign sign_of_text(const std::string& text);

/// What is known of every worker, and who must be given up: a rank whose signs stopped is lost; one that computes
/// without progress is stuck; those that wait for others are innocent, unless all wait. Times are seconds on any clock
/// that does not run while nobody listens.
class SignsOfLife {
 public:
  SignsOfLife(std::vector<Introduction> workers, int mine, double timeout);

  void hear(int rank, const Sign& sign, double now);

  /// Why the run must end, one line that names those who are hung; nothing while all is well. The lowest rank that is
  /// not hung itself knows at the timeout, the others `courtesy` seconds later, so that one speaks first.
  std::optional<std::string> verdict(double now, double courtesy) const;

  /// One line about all who are not waiting for others.
  std::string describe(double now) const;

  int world_size() const { return static_cast<int>(peers_.size()); }

 private:
  struct Peer {
    Introduction introduction = {};
    Sign sign = {};
    bool was_heard = false;
    double heard_at = 0.0;       // when `alive` last changed
    double progressed_at = 0.0;  // when `progress` or `doing` did
  };

  const Peer& peer(int rank) const { return peers_[static_cast<size_t>(rank)]; }
  // For how long the rank has been hung; 0 where it is not.
  double lost_for(int rank, double now) const;
  double stuck_for(int rank, double now) const;
  bool is_hung(int rank, double now, double limit) const;
  std::string name(int rank) const;
  std::string last_heard(int rank) const;
  std::string charge(int rank, double now) const;
  std::optional<std::string> all_wait(double now, double limit) const;

  std::vector<Peer> peers_;
  int mine_;
  double timeout_;
};

}  // namespace strata::workers
