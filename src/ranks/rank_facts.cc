#include "ranks/rank_facts.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/build_info.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/file_stamp.h"
#include "base/hash.h"
#include "base/host.h"
#include "base/machine_limits.h"
#include "base/range_text.h"
#include "base/stopped.h"
#include "capture/device_choice.h"
#include "capture/provenance.h"
#include "download/file_identity.h"
#include "verify/computed_in.h"

namespace qk {
namespace {

using nlohmann::ordered_json;

// Names of hosts may be equal where they are cut or faked.
std::string node_key() {
  const std::string id = boot_id();
  return id.empty() ? host_name() : id;
}

std::string affinity_text() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return "unknown";
  std::vector<int32_t> cores;
  for (int32_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return ranges_text(cores);
}

// Of the GPUs' files that this process may open: a control group hides the others.
std::vector<int> gpu_minors() {
  std::vector<int> out;
  constexpr int kMost = 64;
  for (int minor = 0; minor < kMost; ++minor) {
    const std::string path = fmt::format("/dev/nvidia{}", minor);
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) continue;
    ::close(fd);
    out.push_back(minor);
  }
  return out;
}

// name: "cuda:0,2" of Devices::name().
std::vector<std::string> identities_of(const std::string& name) {
  constexpr std::string_view kGpu = "cuda:";
  if (!name.starts_with(kGpu)) return {};
  const std::optional<std::string> visible = environment_value("CUDA_VISIBLE_DEVICES");
  const std::vector<int> minors = gpu_minors();
  std::vector<std::string> out;
  size_t begin = kGpu.size();
  while (begin < name.size()) {
    const size_t end = std::min(name.find(',', begin), name.size());
    int index = 0;
    std::from_chars(name.data() + begin, name.data() + end, index);
    out.push_back(device_identity(visible, minors, index));
    begin = end + 1;
  }
  return out;
}

std::string digest_of(const std::string& text) {
  Sha256 digest;
  digest.update(text);
  return digest.hex();
}

ordered_json parse_or_null(const std::string& text) {
  return ordered_json::parse(text, nullptr, false);
}

// The first value that differs: "capture.min_bucket_size is 8 there and 16 here".
std::string first_difference(const std::string& here, const std::string& there) {
  const ordered_json ours = parse_or_null(here), theirs = parse_or_null(there);
  if (!ours.is_object() || !theirs.is_object()) return "it cannot be compared";
  const ordered_json flat_ours = ours.flatten(), flat_theirs = theirs.flatten();
  const auto sentence = [](std::string key, const std::string& a, const std::string& b) {
    std::replace(key.begin(), key.end(), '/', '.');
    return fmt::format("{} is {} there and {} here", printable(key.substr(1)), printable(b),
                       printable(a));
  };
  for (const auto& [key, value] : flat_ours.items()) {
    if (!flat_theirs.contains(key)) return sentence(key, value.dump(), "absent");
    if (flat_theirs[key] != value) return sentence(key, value.dump(), flat_theirs[key].dump());
  }
  for (const auto& [key, value] : flat_theirs.items()) {
    if (!flat_ours.contains(key)) return sentence(key, "absent", value.dump());
  }
  return "it is spelt differently";
}

std::vector<WeightFacts> weights_of(const Model& model) {
  std::vector<WeightFacts> out;
  for (const auto& file : model.files) {
    const FileStamp& stamp = file->stamp();
    out.push_back({.name = file->path().filename(),
                   .bytes = std::ssize(file->bytes()),
                   .sha256 = digest_from_blob_name(file->path()),
                   .stamp = fmt::format("{}:{}:{}", stamp.inode, stamp.bytes, stamp.modified)});
  }
  return out;
}

void check_weights(const RankFacts& ours, const RankFacts& theirs, const std::string& here,
                   const std::string& there) {
  if (theirs.weights.size() != ours.weights.size()) {
    fail("{} reads another number of files of weights than {}: {} there and {} here", there, here,
         theirs.weights.size(), ours.weights.size());
  }
  for (size_t i = 0; i < ours.weights.size(); ++i) {
    const WeightFacts &a = ours.weights[i], &b = theirs.weights[i];
    if (b.name != a.name) fail("{} reads {} where {} reads {}", there, b.name, here, a.name);
    if (b.bytes != a.bytes) {
      fail("{} reads another {} than {}: it has {} bytes there and {} here", there, b.name, here,
           b.bytes, a.bytes);
    }
    if (!a.sha256.empty() && !b.sha256.empty() && b.sha256 != a.sha256) {
      fail("{} reads another {} than {}: its SHA-256 is {} there and {} here", there, b.name, here,
           b.sha256, a.sha256);
    }
  }
}

// What all ranks must have in common; `ours` is that of rank 0.
void check_pair(const RankFacts& ours, const RankFacts& theirs, size_t rank) {
  const std::string here = rank_name(ours, 0), there = rank_name(theirs, rank);
  if (theirs.build != ours.build) {
    fail("{} runs qkscope {} and {} qkscope {}: expected one build everywhere", there, theirs.build,
         here, ours.build);
  }
  if (theirs.config != ours.config) {
    fail("{} has another configuration than {}: {}", there, here,
         first_difference(ours.config, theirs.config));
  }
  if (theirs.geometry != ours.geometry) {
    fail("{} reads another config.json of the model than {}", there, here);
  }
  check_weights(ours, theirs, here, there);
  if (theirs.tokenizer != ours.tokenizer) {
    fail("{} reads another tokenizer than {}", there, here);
  }
  if (theirs.certificate != ours.certificate) {
    fail("{} reads another certificate than {}", there, here);
  }
  if (theirs.device != ours.device) {
    fail(
        "{} computes on {} and {} on {}: expected one kind of device, since the last bits depend on "
        "it",
        there, theirs.device, here, ours.device);
  }
  if (theirs.computed_in != ours.computed_in) {
    fail("{} computes otherwise than {}: {}", there, here,
         first_difference(ours.computed_in, theirs.computed_in));
  }
}

void check_devices(std::span<const RankFacts> ranks) {
  for (size_t i = 0; i < ranks.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (ranks[i].room.node != ranks[j].room.node) continue;
      for (const std::string& device : ranks[i].devices) {
        if (std::ranges::find(ranks[j].devices, device) == ranks[j].devices.end()) continue;
        fail(
            "{}: ranks {} and {} would compute on one device ({}): start as many ranks on a node as it "
            "has devices",
            ranks[i].room.host, j, i, device);
      }
    }
  }
}

}  // namespace

RankRoom room_here() {
  return {.host = short_host_name(),
          .node = node_key(),
          .cores = affinity_text(),
          .num_cores = available_cores(),
          .node_cores = std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN))),
          .memory_bytes = available_memory()};
}

RankFacts facts_here(const PreparedRun& run, const RunOptions& options) {
  RankFacts out;
  out.room = room_here();
  out.build = fmt::format("{} ({})", version(),
                          build_commit().empty() ? "without a commit" : build_commit());
  out.config = config_json(run.config);
  out.geometry = digest_of(geometry_json(run.plan, run.model.config, *run.model.architecture));
  if (options.certificate) out.certificate = digest_of(options.certificate->json);
  out.tokenizer = run.tokenizer.identity();
  out.weights = weights_of(run.model);
  out.device = "cpu";
  ordered_json computed = {{"dtype", torch_name(options.backend().traits.dtype)}};
  if (options.devices != nullptr) {
    const int64_t head_dim = run.model.config.head_dim;
    out.device = device_title(options.devices->description(head_dim));
    out.devices = identities_of(options.devices->name());
    const ComputedIn in = computed_in(*options.devices, head_dim, options.forward);
    if (in.on_torch()) computed["device"] = ordered_json::parse(in.device);
  }
  out.computed_in = computed.dump();
  return out;
}

RankFacts faulty_rank(const std::string& sentence) {
  RankFacts out;
  out.room = room_here();
  out.fault = sentence;
  return out;
}

RankFacts stopped_rank() {
  RankFacts out;
  out.room = room_here();
  out.is_stopped = true;
  return out;
}

std::string to_json(const RankFacts& facts) {
  ordered_json weights = ordered_json::array();
  for (const WeightFacts& file : facts.weights) {
    weights.push_back({file.name, file.bytes, file.sha256, file.stamp});
  }
  const ordered_json json = {{"host", facts.room.host},
                             {"node", facts.room.node},
                             {"cores", facts.room.cores},
                             {"num_cores", facts.room.num_cores},
                             {"node_cores", facts.room.node_cores},
                             {"memory_bytes", facts.room.memory_bytes},
                             {"build", facts.build},
                             {"config", facts.config},
                             {"geometry", facts.geometry},
                             {"certificate", facts.certificate},
                             {"tokenizer", facts.tokenizer},
                             {"weights", weights},
                             {"device", facts.device},
                             {"computed_in", facts.computed_in},
                             {"devices", facts.devices},
                             {"fault", facts.fault},
                             {"is_stopped", facts.is_stopped}};
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

RankFacts parse_rank_facts(const std::string& text, int rank) {
  try {
    const ordered_json json = ordered_json::parse(text);
    RankFacts out;
    json.at("host").get_to(out.room.host);
    json.at("node").get_to(out.room.node);
    json.at("cores").get_to(out.room.cores);
    json.at("num_cores").get_to(out.room.num_cores);
    json.at("node_cores").get_to(out.room.node_cores);
    json.at("memory_bytes").get_to(out.room.memory_bytes);
    json.at("build").get_to(out.build);
    json.at("config").get_to(out.config);
    json.at("geometry").get_to(out.geometry);
    json.at("certificate").get_to(out.certificate);
    json.at("tokenizer").get_to(out.tokenizer);
    for (const ordered_json& file : json.at("weights")) {
      out.weights.push_back(
          {.name = file.at(0), .bytes = file.at(1), .sha256 = file.at(2), .stamp = file.at(3)});
    }
    json.at("device").get_to(out.device);
    json.at("computed_in").get_to(out.computed_in);
    json.at("devices").get_to(out.devices);
    json.at("fault").get_to(out.fault);
    json.at("is_stopped").get_to(out.is_stopped);
    return out;
  } catch (const ordered_json::exception&) {
    fail("rank {}: expected the facts of a rank, found {}: do all ranks run the same build?", rank,
         printable(text));
  }
}

std::string rank_name(const RankFacts& facts, size_t rank) {
  return fmt::format("{} (rank {})", facts.room.host, rank);
}

void check_agreement(std::span<const RankFacts> ranks) {
  QK_CHECK(!ranks.empty());
  if (!ranks[0].fault.empty()) throw Error(ranks[0].fault);  // as without ranks
  for (size_t i = 1; i < ranks.size(); ++i) {
    if (!ranks[i].fault.empty()) fail("{}: {}", rank_name(ranks[i], i), ranks[i].fault);
  }
  if (std::ranges::any_of(ranks, &RankFacts::is_stopped)) throw Stopped();
  for (size_t i = 1; i < ranks.size(); ++i) check_pair(ranks[0], ranks[i], i);
  check_devices(ranks);
}

}  // namespace qk
