#include "support/hosts.h"

#include <unistd.h>

#include <sstream>
#include <stdexcept>

#include "support/program.h"

namespace strata::test {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& command) {
  std::istringstream stream(command);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

void run(const std::string& command) {
  const Finished finished = run_program(words_of(command));
  if (finished.exit_code != 0) throw std::runtime_error(command + ": " + finished.err);
}

}  // namespace

std::string Hosts::missing() {
  const std::string name = "strata" + std::to_string(getpid()) + "try";
  const Finished finished = run_program({"ip", "netns", "add", name});
  if (finished.exit_code == 127) return "there is no ip command (Debian's iproute2)";
  if (finished.exit_code != 0) return "no network namespaces: " + finished.err;
  run("ip netns delete " + name);
  return "";
}

Hosts::Hosts(int count) : prefix_("strata" + std::to_string(getpid())), count_(count) {
  const std::string bridge = prefix_ + "b";
  run("ip netns add " + bridge);
  run("ip -n " + bridge + " link add bridge type bridge");
  run("ip -n " + bridge + " link set bridge up");
  for (int host = 0; host < count; ++host) {
    const std::string port = "to" + std::to_string(host);
    run("ip netns add " + name(host));
    run("ip -n " + bridge + " link add " + port + " type veth peer name eth0 netns " + name(host));
    run("ip -n " + bridge + " link set " + port + " master bridge up");
    run("ip -n " + name(host) + " address add " + address(host) + "/24 dev eth0");
    run("ip -n " + name(host) + " link set eth0 up");
    run("ip -n " + name(host) + " link set lo up");
  }
}

Hosts::~Hosts() {
  for (int host = 0; host < count_; ++host) run_program({"ip", "netns", "delete", name(host)});
  run_program({"ip", "netns", "delete", prefix_ + "b"});
}

Words Hosts::on(int host, const Words& command) const {
  Words words{"ip", "netns", "exec", name(host)};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

void Hosts::cut(int host) const { run("ip -n " + prefix_ + "b link set to" + std::to_string(host) + " down"); }

void Hosts::mend(int host) const { run("ip -n " + prefix_ + "b link set to" + std::to_string(host) + " up"); }

}  // namespace strata::test
