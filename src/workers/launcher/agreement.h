#pragma once

#include <memory>
#include <optional>

#include "events.h"
#include "records.h"
#include "strata/workers/launcher.h"

namespace strata::workers {

/// Between two signs of life, and between two looks at those of others.
Store::Seconds beat_interval(const LaunchOptions& options);

/// A launcher's connection to those of the other nodes, through the store, in a thread of its own: a link that is cut
/// holds up nobody who watches workers.
class Agreement {
 public:
  /// What a launcher knows of the run; nothing before it has met the others.
  struct Known {
    std::string session = {};  // of node 0's launcher
    int attempt = -1;
  };
  struct News {
    Known known = {};
    bool connected = false;
    std::optional<std::vector<Member>> members = {};  // all nodes are there: the attempt starts
    std::optional<Verdict> verdict = {};              // the attempt ends
    std::optional<std::string> lost = {};             // why there will be no more news
    bool has_left = false;                            // after leave(): and at node 0, the others have
  };

  /// Connects and joins `known.attempt`, or the one that is next. `report`: how that attempt went here, which nobody
  /// hears of where another one is under way.
  Agreement(const LaunchOptions& options, const Member& self, uint16_t port, const Known& known,
            std::optional<Report> report, std::shared_ptr<const WakeUp> wake_up);
  /// Does not wait for a link that is cut.
  ~Agreement();
  Agreement(const Agreement&) = delete;
  Agreement& operator=(const Agreement&) = delete;

  /// To be asked for at every beat_interval: a connection that gives no answer for options.node_timeout is lost.
  News news();
  /// How the attempt went here; a second one, for a stop, takes the place of the first.
  void report(const Report& report);
  void next(int attempt);
  /// Nothing is needed from the others any more.
  void leave();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace strata::workers
