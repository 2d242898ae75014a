#include "draft/length_sample.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <map>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"

namespace qk {
namespace {

constexpr int64_t kAnyLength = int64_t{1} << 40;  // tokens: nothing is cut

struct Stratum {
  uint64_t documents = 0;
  double tokens = 0, bytes = 0;  // of those that were tokenised
};

int stratum_of(int64_t bytes) {
  return static_cast<int>(2 * std::log2(static_cast<double>(bytes)));
}

class Sampler {
 public:
  Sampler(const Tokenizer& tokenizer, const SampleLimits& limits)
      : tokenizer_(tokenizer), limits_(limits) {}

  void add(const Document& document) {
    const auto bytes = std::ssize(document.text);
    read_bytes_ += bytes;
    bytes_.push_back(bytes);
    counted_.push_back(-1);
    if (bytes == 0) {
      counted_.back() = 0;
      return;
    }
    Stratum& stratum = strata_[stratum_of(bytes)];
    if (tokenised_bytes_ > limits_.whole_bytes && !std::has_single_bit(++stratum.documents)) return;
    const std::string_view text =
        utf8_prefix(document.text, static_cast<size_t>(limits_.prefix_bytes));
    const auto tokens = static_cast<double>(count(text, document.place));
    tokenised_bytes_ += std::ssize(text);
    ++num_tokenised_;
    stratum.tokens += tokens;
    stratum.bytes += static_cast<double>(text.size());
    const double scale = static_cast<double>(bytes) / static_cast<double>(text.size());
    counted_.back() = std::llround(tokens * scale);
  }

  bool is_full() const { return read_bytes_ >= limits_.read_bytes; }

  LengthSample take() {
    LengthSample out;
    out.num_tokenised = num_tokenised_;
    for (size_t i = 0; i < bytes_.size(); ++i) {
      int64_t tokens = counted_[i];
      if (tokens < 0) {
        const Stratum& stratum = strata_.at(stratum_of(bytes_[i]));
        tokens = std::llround(static_cast<double>(bytes_[i]) * stratum.tokens / stratum.bytes);
      }
      out.tokens.push_back(tokens);
    }
    return out;
  }

 private:
  int64_t count(std::string_view text, const std::string& place) const {
    try {
      return std::ssize(tokenizer_.encode(text, kAnyLength).ids);
    } catch (const Error& error) {
      fail("{}: {}", place, error.what());
    }
  }

  const Tokenizer& tokenizer_;
  const SampleLimits& limits_;
  std::map<int, Stratum> strata_;
  std::vector<int64_t> bytes_, counted_;  // of each document; counted: -1 if it was not tokenised
  int64_t read_bytes_ = 0, tokenised_bytes_ = 0, num_tokenised_ = 0;
};

}  // namespace

double LengthSample::scale() const {
  if (is_whole || !documents || tokens.empty()) return 1;
  return static_cast<double>(*documents) / static_cast<double>(tokens.size());
}

LengthSample sample_lengths(Corpus& corpus, const Tokenizer& tokenizer,
                            const SampleLimits& limits) {
  const auto begin = std::chrono::steady_clock::now();
  Sampler sampler(tokenizer, limits);
  bool is_whole = false;
  bool out_of_time = false;
  while (!sampler.is_full() && !out_of_time) {
    const std::optional<Document> document = corpus.next();
    is_whole = !document;
    if (is_whole) break;
    sampler.add(*document);
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    out_of_time = passed.count() > limits.seconds;
  }
  LengthSample out = sampler.take();
  out.documents = is_whole ? std::ssize(out.tokens) : corpus.num_documents();
  out.is_whole = is_whole || out.documents == std::ssize(out.tokens);
  out.out_of_time = out_of_time && !out.is_whole;
  return out;
}

}  // namespace qk
