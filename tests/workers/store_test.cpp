#include "strata/workers/store.h"

#include <thread>

#include "support/errors.h"

namespace strata::workers {
namespace {

using std::chrono::milliseconds;

TEST(Store, KeepsWhatOthersSet) {
  const Store served = Store::serve(0);
  const Store client = Store::connect("127.0.0.1", served.port(), milliseconds(5000)).under("a/");
  EXPECT_EQ(client.find("key"), std::nullopt);
  std::thread other([store = client.another_connection()] { store.set("key", "value"); });
  EXPECT_EQ(client.wait_for("key", milliseconds(5000)), "value");
  other.join();
  EXPECT_EQ(served.find("a/key"), "value");
  client.set("second", "");
  EXPECT_THAT(client.get({"key", "second"}), testing::ElementsAre("value", ""));
  EXPECT_THAT(client.get({}), testing::IsEmpty());
  EXPECT_EQ(client.add("count", 2), 2);
  EXPECT_EQ(client.add("count", 3), 5);
}

TEST(Store, TellsOfATimeoutAndGoesOn) {
  const Store store = Store::serve(0);
  EXPECT_EQ(store.wait_for("nobody sets this", milliseconds(50)), std::nullopt);
  store.set("key", "value");
  EXPECT_EQ(store.find("key"), "value");
}

TEST(Store, NamesAPortThatIsTaken) {
  const Store first = Store::serve(0);
  EXPECT_THAT(strata::test::error_of([&] { Store::serve(first.port()); }),
              testing::HasSubstr("cannot serve the workers' store at port " + std::to_string(first.port())));
}

TEST(Store, NamesAnAddressThatNobodyServes) {
  uint16_t port = 0;
  { port = Store::serve(0).port(); }
  EXPECT_THAT(strata::test::error_of([&] { Store::connect("127.0.0.1", port, milliseconds(100)); }),
              testing::HasSubstr("cannot reach the workers' store at 127.0.0.1:" + std::to_string(port)));
}

}  // namespace
}  // namespace strata::workers
