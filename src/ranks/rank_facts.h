// What a rank says of itself before anything else, and whether the ranks of a run fit together.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "capture/prepared_run.h"
#include "capture/run_options.h"
#include "ranks/placement.h"

namespace qk {

// A file of weights.
struct WeightFacts {
  std::string name;
  int64_t bytes = 0;
  std::string sha256;  // by which the Hub cache names it, or empty
  std::string stamp;   // inode, size and time: equal where ranks read one file
};

struct RankFacts {
  RankRoom room;
  std::string build;        // version and commit: "0.1.0 (16f8aef5db52)"
  std::string config;       // config_json
  std::string geometry;     // a digest of geometry_json
  std::string certificate;  // a digest, or empty
  std::string tokenizer;    // Tokenizer::identity
  std::vector<WeightFacts> weights;
  std::string device;       // "cpu", "cuda (NVIDIA H200)"
  std::string computed_in;  // JSON: what the bits depend on beside the inputs
  std::vector<std::string>
      devices;              // identities of the devices that it holds; none: our own kernels
  std::string fault;        // a sentence: the rank cannot take part. The rest may be missing then
  bool is_stopped = false;  // it was asked to stop before its run was prepared. Likewise
};

// Of this process.
RankRoom room_here();

// Of this process, once its run is prepared.
RankFacts facts_here(const PreparedRun& run, const RunOptions& options);

// Of a rank whose run cannot be prepared.
RankFacts faulty_rank(const std::string& sentence);

// Of a rank that was asked to stop while its run was being prepared.
RankFacts stopped_rank();

std::string to_json(const RankFacts& facts);

// Throws Error naming the rank if the text has no such facts.
RankFacts parse_rank_facts(const std::string& json, int rank);

// "node02 (rank 1)"
std::string rank_name(const RankFacts& facts, size_t rank);

// Throws Error, one sentence: a rank cannot take part; builds, configurations, models, tokenizers or
// devices differ; two ranks hold one device. Of weights only names, sizes and what the Hub cache
// says are compared here. Throws Stopped if a rank was asked to stop.
void check_agreement(std::span<const RankFacts> ranks);

}  // namespace qk
