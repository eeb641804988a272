#pragma once

#include <cstdint>
#include <string>
#include <vector>

// What the launchers of a run tell each other, as JSON, through the store.
namespace strata::workers {

/// A launcher that takes part.
struct Member {
  std::string instance = {};  // its own: one that is started again has another
  std::string host = {};
  int workers = 0;
};

/// What ended an attempt: a worker, or a node as a whole.
struct Failure {
  int node = 0;
  std::string host = {};
  int rank = -1;  // -1: the node
  int local_rank = -1;
  int pid = 0;
  int exit_code = 1;      // 128 + signal where one ended the worker
  std::string what = {};  // "exited with code 3"
  std::vector<std::string> last_lines = {};
};

/// How an attempt went on one node.
struct Report {
  enum class Kind { kDone, kFailed, kStopping };
  Kind kind = Kind::kDone;
  int64_t ticket = 0;  // of a failure: the first has 1
  int signal = 0;      // that asked to stop
  Failure failure = {};
};

/// How an attempt ended on all nodes, as node 0 decides it.
struct Verdict {
  enum class Kind { kDone, kRestart, kEnd, kStop };
  Kind kind = Kind::kDone;
  int next_attempt = 0;
  int signal = 0;
  Failure failure = {};
};

std::string encode(const std::vector<Member>& members);
std::string encode(const Member& member);
std::string encode(const Report& report);
std::string encode(const Verdict& verdict);

/// Throws Error for what is no such record.
template <class Record>
Record decode(const std::string& text);

/// "rank 1 (local rank 1, pid 4711, host a) exited with code 3", "node 1 (host b) gives no sign of life for 60 s".
std::string describe(const Failure& failure);

}  // namespace strata::workers
