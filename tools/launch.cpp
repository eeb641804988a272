// strata launch: several workers of one run, on one host or several.
#include <algorithm>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/workers/launcher_flags.h"

namespace strata::tools {
namespace {

using workers::LaunchFlags;

struct Flag {
  const char* name;
  std::string LaunchFlags::*value;
  const char* type;
  const char* help;
};

constexpr Flag kFlags[] = {
    {"--nproc-per-node", &LaunchFlags::nproc_per_node, "N", "workers on this node; or gpu, cpu (cores), auto (either)"},
    {"--nnodes", &LaunchFlags::nnodes, "N", "nodes; run the same command on each"},
    {"--node-rank", &LaunchFlags::node_rank, "N", "this node's number, from 0"},
    {"--master-addr", &LaunchFlags::master_addr, "HOST", "node 0, where its launcher serves the workers' store"},
    {"--master-port", &LaunchFlags::master_port, "PORT", "of the store; default 29500, on one node any free one"},
    {"--rdzv-endpoint", &LaunchFlags::rdzv_endpoint, "HOST:PORT", "both of these in one"},
    {"--rdzv-backend", &LaunchFlags::rdzv_backend, "static", "there is no other"},
    {"--rdzv-id", &LaunchFlags::rdzv_id, "TEXT", "TORCHELASTIC_RUN_ID of the workers"},
    {"--max-restarts", &LaunchFlags::max_restarts, "N", "how often all workers are started again after a failure"},
    {"--monitor-interval", &LaunchFlags::monitor_interval, "SECONDS", "between looks at the other nodes"},
    {"--grace-seconds", &LaunchFlags::grace_seconds, "SECONDS", "between SIGTERM and SIGKILL"},
    {"--join-timeout", &LaunchFlags::join_timeout, "SECONDS", "for all nodes to come together"},
    {"--node-timeout", &LaunchFlags::node_timeout, "SECONDS", "without a sign of life, then a node is lost"},
    {"--log-dir", &LaunchFlags::log_dir, "DIR", "also write DIR/attempt_<n>/rank_<r>/{stdout,stderr}.log"},
    {"--redirects", &LaunchFlags::redirects, "STREAMS",
     "to these files only: 1 stdout, 2 stderr, 3; or RANK:STREAMS,..."},
    {"--tee", &LaunchFlags::tee, "STREAMS", "to these files too; with --log-dir alone: 3"},
    {"--local-ranks-filter", &LaunchFlags::local_ranks_filter, "RANK,...", "only these reach the console"},
};

// torchrun's others.
constexpr const char* kRefused[] = {"--rdzv-conf",
                                    "--rdzv_conf",
                                    "--role",
                                    "--start-method",
                                    "--start_method",
                                    "--logs-specs",
                                    "--logs_specs",
                                    "--local-addr",
                                    "--local_addr",
                                    "--numa-binding",
                                    "--signals-to-handle",
                                    "--event-log-handler",
                                    "--duplicate-stdout-filters",
                                    "--duplicate-stderr-filters",
                                    "-m",
                                    "--module",
                                    "--run-path",
                                    "--run_path",
                                    "--virtual-local-rank"};

constexpr const char* kFooter = R"(
What follows the flags, after an optional --, is a command of this program (pretrain CONFIG ...); with --no-python it is
any program. Flags are torchrun's, with - or _, and default to its variables (PET_NPROC_PER_NODE, ...); a worker's
environment is torchrun's too.

The first worker that fails stops all; while restarts are left all begin again, and go on from their newest checkpoint.
Wrong usage (code 2) is not tried again. The exit code is the first failure's, 128 + signal where one killed it.
SIGTERM, SIGINT and SIGHUP stop the workers, which save (143, 130); one more kills them. SIGUSR1 asks them to save.
Lines of rank 0 are shown as they are, those of others begin with [rank N]. Workers read nothing from stdin. Without
OMP_NUM_THREADS each gets its share of the cores.

  strata launch --nproc-per-node 4 pretrain small.yaml
  strata launch --nnodes 2 --node-rank 0 --master-addr host0 --nproc-per-node 8 --max-restarts 3 pretrain 7b.yaml
)";

std::string changed(std::string text, char from, char to) {
  std::replace(text.begin() + 2, text.end(), from, to);
  return text;
}

// With underscores too, which the help does not list.
void add_flag(const Command& command, const Flag& flag, std::string& value) {
  const Option option = command.option(flag.name, value, flag.help);
  option.from_environment(workers::variable_of(flag.name)).shows_type(flag.type).shows_default(value);
  if (const auto other = changed(flag.name, '-', '_'); other != flag.name) command.option(other, value).hidden();
}

void add_switch(const Command& command, const std::string& name, bool& value, const std::string& help) {
  command.flag(name + "," + changed(name, '-', '_'), value, help).from_environment(workers::variable_of(name));
}

void refuse_others(const Command& command) {
  for (const char* name : kRefused) {
    command.refuse(name, str("strata launch: ", name, " has no meaning here; strata launch --help lists what has"));
  }
}

void check_command(const Command& program, const LaunchFlags& flags) {
  const std::string& name = flags.command.front();
  std::vector<std::string> known = program.subcommands();
  std::erase(known, "launch");
  if (std::ranges::count(known, name) > 0) return;
  throw UsageError(str("strata launch: unknown command \"", name, "\"", did_you_mean(name, known),
                       " (with --no-python it may be any program; known: ", join(known, " "), ")"));
}

}  // namespace

void add_launch(const Command& program) {
  const auto flags = std::make_shared<LaunchFlags>();
  const Command command = program.add("launch", "run a command as several workers, on one host or several");
  for (const Flag& flag : kFlags) add_flag(command, flag, (*flags).*flag.value);
  add_switch(command, "--standalone", flags->standalone, "one node at any free port, whatever --master-* say");
  add_switch(command, "--no-python", flags->no_python, "the command is any program");
  refuse_others(command);
  command.option("command", flags->command, "what each worker runs").required();
  command.positionals_at_end();
  command.footer(kFooter);
  command.run([program, flags] {
    if (!flags->no_python) check_command(program, *flags);
    if (const int code = workers::launch(workers::options_of(*flags)); code != 0) throw Stopped{code};
  });
}

}  // namespace strata::tools
