#include "strata/workers/heartbeat.h"

#include <csignal>
#include <future>

#include "support/errors.h"
#include "support/places.h"
#include "support/program.h"

namespace strata::workers {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::seconds kShort{2};
constexpr std::chrono::seconds kLong{600};

// One of several workers in this process, and what its heartbeat told.
class Patient {
 public:
  Patient(const Store& store, int rank, int world_size, Store::Seconds timeout) {
    std::vector<Introduction> workers;
    for (int other = 0; other < world_size; ++other) {
      workers.push_back({.host = other < 2 ? "a" : "b", .pid = 70 + other});
    }
    heart_.emplace(store, rank, workers, timeout, [this](const std::string& message) { told_.set_value(message); });
  }

  Heartbeat& heart() { return *heart_; }
  void die() { heart_.reset(); }
  bool has_told() { return future_.wait_for(milliseconds(0)) == std::future_status::ready; }
  std::string told() { return future_.wait_for(kPatience) == std::future_status::ready ? future_.get() : "nothing"; }

 private:
  std::promise<std::string> told_;
  std::future<std::string> future_ = told_.get_future();
  std::optional<Heartbeat> heart_;
};

bool comes_true(const std::function<bool()>& condition) {
  for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

TEST(Heartbeat, NamesAWorkerThatIsStuckOnEveryRank) {
  const Store store = Store::serve(0);
  Patient first(store, 0, 3, kShort);
  Patient second(store, 1, 3, kShort);
  Patient third(store, 2, 3, kShort);
  const Waiting wait(&first.heart());
  const Waiting also_wait(&second.heart());
  third.heart().begin_step(14);
  for (Patient* patient : {&first, &second, &third}) {
    EXPECT_THAT(patient->told(), HasSubstr("rank 2 (host b, pid 72): stuck in step 14 for"));
  }
}

TEST(Heartbeat, NamesAWorkerThatIsGone) {
  const Store store = Store::serve(0);
  Patient first(store, 0, 2, kShort);
  std::optional<Patient> second(std::in_place, store, 1, 2, kShort);
  second->heart().begin_step(7);
  ASSERT_TRUE(comes_true([&] {
    first.heart().begin_step(7);
    return first.heart().describe().find("rank 1 (host a, pid 71) has computed in step 7") != std::string::npos;
  }));
  second->die();
  ASSERT_TRUE(comes_true([&] {
    first.heart().begin_step(8);
    return first.has_told();
  }));
  EXPECT_THAT(first.told(), HasSubstr("rank 1 (host a, pid 71): no sign of life for"));
}

TEST(Heartbeat, TellsThatAllWaitForEachOther) {
  const Store store = Store::serve(0);
  Patient first(store, 0, 2, kShort);
  Patient second(store, 1, 2, kShort);
  first.heart().begin_step(3);
  second.heart().begin_step(4);
  const Waiting wait(&first.heart());
  const Waiting also_wait(&second.heart());
  EXPECT_THAT(first.told(), testing::AllOf(HasSubstr("all workers have waited for each other for 2 s"),
                                           HasSubstr("rank 0 in step 3; rank 1 in step 4")));
}

TEST(Heartbeat, DescribesWhoDoesNotWait) {
  const Store store = Store::serve(0);
  Patient first(store, 0, 2, kLong);
  Patient second(store, 1, 2, kLong);
  second.heart().begin_step(5);
  {
    const Waiting wait(&first.heart());
    const Waiting nested(&first.heart());
    EXPECT_TRUE(
        comes_true([&] { return first.heart().describe().starts_with("rank 1 (host a, pid 71) has computed"); }));
  }
  const Waiting wait(&second.heart());
  EXPECT_TRUE(comes_true([&] { return first.heart().describe().starts_with("rank 0 (host a, pid 70) has computed"); }));
  EXPECT_FALSE(first.has_told());
}

TEST(Heartbeat, TellsThatTheStoreIsLost) {
  std::optional<Store> served = Store::serve(0);
  const uint16_t port = served->port();
  Patient patient(Store::connect("127.0.0.1", port, kPatience), 0, 2, kLong);
  served.reset();
  EXPECT_THAT(patient.told(), testing::StartsWith(str("lost the workers' store at 127.0.0.1:", port, ": ")));
}

TEST(Heartbeat, TellsThatTheStoreDoesNotAnswer) {
  const Store served = Store::serve(0);
  const std::string script = test::source_folder() / "tests/support/proxy.py";
  test::Program proxy({"python3", script, str(served.port())});
  ASSERT_TRUE(comes_true([&] { return proxy.err().ends_with("\n"); }));
  const auto port = static_cast<uint16_t>(std::stoi(proxy.err()));
  std::optional<Patient> patient(std::in_place, Store::connect("127.0.0.1", port, kPatience), 0, 2, kShort);
  proxy.send(SIGSTOP);
  EXPECT_EQ(patient->told(), str("lost the workers' store at 127.0.0.1:", port, ": no answer for 2 s"));
  proxy.send(SIGKILL);
}

TEST(Heartbeat, StopsAtOnce) {
  const Store store = Store::serve(0);
  const auto start = Clock::now();
  { const Patient patient(store, 0, 2, kLong); }
  EXPECT_LT(Clock::now() - start, kPatience);
}

TEST(Heartbeat, LeavesWhenAllHaveLeft) {
  std::optional<Store> served = Store::serve(0);
  Patient first(*served, 0, 2, kLong);
  Patient second(Store::connect("127.0.0.1", served->port(), kPatience), 1, 2, kLong);
  auto leaving = std::async(std::launch::async, [&] { first.heart().leave(kPatience); });
  EXPECT_EQ(leaving.wait_for(milliseconds(50)), std::future_status::timeout);
  second.heart().leave(kPatience);
  leaving.get();
  first.die();
  served.reset();
  second.die();
  EXPECT_FALSE(first.has_told() || second.has_told());
}

TEST(Heartbeat, DoesNotWaitForeverForThoseThatDoNotLeave) {
  const Store store = Store::serve(0);
  Patient first(store, 0, 3, kLong);
  testing::internal::CaptureStderr();
  first.heart().leave(milliseconds(10));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: ranks 1 and 2 of 3 did not end within 0.01 s\n");
}

}  // namespace
}  // namespace strata::workers
