#include "strata/workers/launcher_flags.h"

#include <sched.h>

#include <cstdlib>

#include "support/errors.h"

namespace strata::workers {
namespace {

using strata::test::error_of;
using testing::HasSubstr;

// A variable that is set for as long as this lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

LaunchFlags flags() { return {.command = {"pretrain", "small.yaml"}}; }

std::string refusal(const std::function<void(LaunchFlags&)>& change) {
  LaunchFlags changed = flags();
  change(changed);
  EXPECT_THROW(options_of(changed), UsageError);
  return error_of([&] { options_of(changed); });
}

TEST(LaunchFlags, OneNodeServesAtAnyFreePort) {
  const LaunchOptions options = options_of(flags());
  EXPECT_EQ(options.workers, 1);
  EXPECT_EQ(options.nodes, 1);
  EXPECT_EQ(options.node, 0);
  EXPECT_EQ(options.master_host, "127.0.0.1");
  EXPECT_EQ(options.master_port, 0);
  EXPECT_EQ(options.max_restarts, 0);
  ASSERT_EQ(options.command.size(), 3U);
  EXPECT_TRUE(std::filesystem::exists(options.command[0]));  // this program
  EXPECT_EQ(options.command[1], "pretrain");
}

TEST(LaunchFlags, AProgramIsFoundAsAShellFindsIt) {
  LaunchFlags given{.no_python = true, .command = {"sh", "-c", "true"}};
  EXPECT_THAT(options_of(given).command[0], testing::EndsWith("/sh"));
  given.command = {"/bin/sh"};
  EXPECT_EQ(options_of(given).command[0], "/bin/sh");
  given.command = {"./no-such-program"};
  EXPECT_THAT(error_of([&] { options_of(given); }), HasSubstr("no program \"./no-such-program\""));
  given.command = {"no-such-program"};
  EXPECT_THAT(error_of([&] { options_of(given); }), HasSubstr("in the folders of PATH"));
}

TEST(LaunchFlags, WorkersPerNodeAreCounted) {
  LaunchFlags given = flags();
  given.nproc_per_node = "3";
  EXPECT_EQ(options_of(given).workers, 3);
  EXPECT_EQ(options_of(given).output.size(), 3U);
  cpu_set_t cores;
  sched_getaffinity(0, sizeof(cores), &cores);
  given.nproc_per_node = "cpu";
  EXPECT_EQ(options_of(given).workers, CPU_COUNT(&cores));
  {
    const Variable visible("CUDA_VISIBLE_DEVICES", "0,2,5,-1,6");
    for (const char* kind : {"gpu", "auto"}) {
      given.nproc_per_node = kind;
      EXPECT_EQ(options_of(given).workers, 3) << kind;
    }
  }
  const Variable hidden("CUDA_VISIBLE_DEVICES", "");
  given.nproc_per_node = "auto";
  EXPECT_EQ(options_of(given).workers, CPU_COUNT(&cores));
  given.nproc_per_node = "gpu";
  EXPECT_EQ(error_of([&] { options_of(given); }), "--nproc-per-node=gpu: no GPU is visible here");
}

TEST(LaunchFlags, NodesAreTold) {
  LaunchFlags given = flags();
  given.nnodes = "2:2";
  given.node_rank = "1";
  given.rdzv_endpoint = "host0:1234";
  LaunchOptions options = options_of(given);
  EXPECT_EQ(options.nodes, 2);
  EXPECT_EQ(options.node, 1);
  EXPECT_EQ(options.master_host, "host0");
  EXPECT_EQ(options.master_port, 1234);
  given.rdzv_endpoint = "";
  given.master_addr = "host1";
  options = options_of(given);
  EXPECT_EQ(options.master_host, "host1");
  EXPECT_EQ(options.master_port, 29500);
}

TEST(LaunchFlags, NodesThatCannotBeFoundAreRefused) {
  EXPECT_THAT(refusal([](LaunchFlags& given) { given.nnodes = "1:4"; }),
              HasSubstr("--nnodes=1:4: the number of nodes is fixed"));
  EXPECT_THAT(refusal([](LaunchFlags& given) { given.nnodes = "2"; }), HasSubstr("--nnodes=2 needs --node-rank"));
  const auto second_of_two = [](LaunchFlags& given) {
    given.nnodes = "2";
    given.node_rank = "1";
  };
  EXPECT_THAT(refusal(second_of_two), HasSubstr("--nnodes=2 needs --master-addr"));
  EXPECT_THAT(refusal([&](LaunchFlags& given) {
                second_of_two(given);
                given.standalone = true;
              }),
              HasSubstr("--standalone is for one node"));
  EXPECT_THAT(refusal([&](LaunchFlags& given) {
                second_of_two(given);
                given.master_addr = "host0";
                given.master_port = "0";  // that of node 0, which it cannot know
              }),
              HasSubstr("--master-port=0: expected a whole number from 1 to 65535"));
  EXPECT_THAT(refusal([](LaunchFlags& given) { given.rdzv_backend = "c10d"; }), HasSubstr("--rdzv-backend=c10d: "));
}

TEST(LaunchFlags, ValuesThatMakeNoSenseAreNamed) {
  const auto expect_named = [](std::string LaunchFlags::*value, const char* text, const char* message) {
    EXPECT_THAT(refusal([&](LaunchFlags& given) { given.*value = text; }), HasSubstr(message));
  };
  expect_named(&LaunchFlags::nproc_per_node, "many", "--nproc-per-node=many: expected a number of workers");
  expect_named(&LaunchFlags::nproc_per_node, "0", "--nproc-per-node=0: expected a whole number from 1");
  expect_named(&LaunchFlags::node_rank, "1", "--node-rank=1: expected 0");
  expect_named(&LaunchFlags::max_restarts, "2x",
               "--max-restarts=2x: expected a whole number from 0 (--max-restarts or PET_MAX_RESTARTS)");
  expect_named(&LaunchFlags::master_port, "65536", "--master-port=65536");
  for (const char* text : {"0", "-1", "nan", "inf", "soon", ""}) {
    expect_named(&LaunchFlags::grace_seconds, text, "expected seconds, more than 0");
  }
}

TEST(LaunchFlags, StreamsGoWhereTorchrunSendsThem) {
  LaunchFlags given = flags();
  given.nproc_per_node = "2";
  given.log_dir = "logs";
  LaunchOptions options = options_of(given);
  EXPECT_TRUE(options.output[1].out.to_console && options.output[1].err.to_file);
  given.redirects = "0:1,1:3";
  given.tee = "1:2";
  given.local_ranks_filter = "1";
  options = options_of(given);
  EXPECT_TRUE(options.output[0].out.to_file && !options.output[0].err.to_file);
  EXPECT_FALSE(options.output[0].out.to_console || options.output[0].err.to_console);
  EXPECT_TRUE(options.output[1].out.to_file && !options.output[1].out.to_console);
  EXPECT_TRUE(options.output[1].err.to_file && options.output[1].err.to_console);
}

TEST(LaunchFlags, StreamsThatAreNotThereAreRefused) {
  EXPECT_EQ(refusal([](LaunchFlags& given) { given.tee = "3"; }), "--tee needs --log-dir: where the files go");
  const auto with_files = [](const char* redirects) {
    return refusal([&](LaunchFlags& given) {
      given.log_dir = "logs";
      given.redirects = redirects;
    });
  };
  EXPECT_THAT(with_files("4"), HasSubstr("--redirects=4: expected a whole number from 0 to 3"));
  EXPECT_THAT(with_files("1:1"), HasSubstr("--redirects=1: expected 0"));  // there is one worker
  EXPECT_THAT(with_files("0:1,3"), HasSubstr("--redirects=0:1,3: expected"));
  EXPECT_THAT(refusal([](LaunchFlags& given) { given.local_ranks_filter = "0,7"; }),
              HasSubstr("--local-ranks-filter=7"));
}

}  // namespace
}  // namespace strata::workers
