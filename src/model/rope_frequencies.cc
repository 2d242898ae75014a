#include "model/rope_frequencies.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qk {
namespace {

// theta^(2i / d), rounded as the reference rounds it: the exponent and the power to float32.
std::vector<float> powers(double theta, int64_t rotary_dim) {
  std::vector<float> out(static_cast<size_t>(rotary_dim / 2));
  for (size_t i = 0; i < out.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(rotary_dim);
    out[i] = static_cast<float>(std::pow(theta, static_cast<double>(exponent)));
  }
  return out;
}

std::vector<float> default_frequencies(double theta, int64_t rotary_dim) {
  std::vector<float> out = powers(theta, rotary_dim);
  for (float& f : out) f = 1.0F / f;
  return out;
}

std::vector<float> dynamic_frequencies(const RopeParameters& rope, int64_t length) {
  const int64_t most = rope.max_position_embeddings;
  if (length <= most) return default_frequencies(rope.rope_theta, rope.rotary_dim);
  const auto d = static_cast<double>(rope.rotary_dim);
  const auto factor = static_cast<float>(rope.factor);
  const float stretch = factor * static_cast<float>(length) / static_cast<float>(most) -
                        static_cast<float>(rope.factor - 1.0);
  const auto power = static_cast<float>(
      std::pow(static_cast<double>(stretch), static_cast<double>(static_cast<float>(d / (d - 2)))));
  const float theta = static_cast<float>(rope.rope_theta) * power;
  return default_frequencies(theta, rope.rotary_dim);
}

std::vector<float> llama3_frequencies(const RopeParameters& rope) {
  std::vector<float> out = default_frequencies(rope.rope_theta, rope.rotary_dim);
  const auto length = static_cast<double>(rope.original_max_position_embeddings);
  const auto longest = static_cast<float>(length / rope.low_freq_factor);
  const auto shortest = static_cast<float>(length / rope.high_freq_factor);
  const auto factor = static_cast<float>(rope.factor);
  const auto low = static_cast<float>(rope.low_freq_factor);
  const auto span = static_cast<float>(rope.high_freq_factor - rope.low_freq_factor);
  for (float& f : out) {
    const float wavelength = static_cast<float>(2 * std::numbers::pi) / f;
    if (wavelength > longest) {
      f = f / factor;
    } else if (wavelength >= shortest) {
      const float smooth = (static_cast<float>(length) / wavelength - low) / span;
      f = (1.0F - smooth) * f / factor + smooth * f;
    }
  }
  return out;
}

// 0.1 m ln(s) + 1, the growth of attention with the scale s.
double yarn_scale(double scale, double multiplier) {
  return scale <= 1 ? 1.0 : 0.1 * multiplier * std::log(scale) + 1.0;
}

double yarn_attention_factor(const RopeParameters& rope) {
  if (rope.attention_factor) return *rope.attention_factor;
  const double scale = rope.mscale.value_or(0);
  const double all_dim = rope.mscale_all_dim.value_or(0);
  if (scale != 0 && all_dim != 0) {
    return yarn_scale(rope.factor, scale) / yarn_scale(rope.factor, all_dim);
  }
  return yarn_scale(rope.factor, 1.0);
}

// The component that turns `rotations` times over the original length.
double yarn_component(const RopeParameters& rope, double rotations) {
  const auto length = static_cast<double>(rope.original_max_position_embeddings);
  return static_cast<double>(rope.rotary_dim) *
         std::log(length / (rotations * 2 * std::numbers::pi)) / (2 * std::log(rope.rope_theta));
}

std::vector<float> yarn_frequencies(const RopeParameters& rope) {
  std::vector<float> out = powers(rope.rope_theta, rope.rotary_dim);
  double low = yarn_component(rope, rope.beta_fast);
  double high = yarn_component(rope, rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(rope.rotary_dim - 1));
  if (low == high) high += 0.001;
  for (size_t i = 0; i < out.size(); ++i) {
    const float position =
        (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
    const float kept = 1.0F - std::clamp(position, 0.0F, 1.0F);
    const float stretched = 1.0F / (static_cast<float>(rope.factor) * out[i]);
    out[i] = stretched * (1.0F - kept) + 1.0F / out[i] * kept;
  }
  return out;
}

double longrope_attention_factor(const RopeParameters& rope) {
  if (rope.attention_factor) return *rope.attention_factor;
  if (rope.factor <= 1) return 1.0;
  return std::sqrt(1 + std::log(rope.factor) /
                           std::log(static_cast<double>(rope.original_max_position_embeddings)));
}

std::vector<float> longrope_frequencies(const RopeParameters& rope, int64_t length) {
  const bool is_long = length > rope.original_max_position_embeddings;
  const std::vector<double>& stretch = is_long ? rope.long_factor : rope.short_factor;
  std::vector<float> out = powers(rope.rope_theta, rope.rotary_dim);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = 1.0F / (static_cast<float>(stretch[i]) * out[i]);
  }
  return out;
}

}  // namespace

RopeFrequencies rope_frequencies(const RopeParameters& rope, int64_t length) {
  RopeFrequencies out;
  switch (rope.type) {
    case RopeType::kDefault:
      out.values = default_frequencies(rope.rope_theta, rope.rotary_dim);
      for (size_t i = 0; i < rope.divisors.size(); ++i) {
        out.values[i] /= static_cast<float>(rope.divisors[i]);
      }
      break;
    case RopeType::kLinear:
      out.values = default_frequencies(rope.rope_theta, rope.rotary_dim);
      for (float& f : out.values) f /= static_cast<float>(rope.factor);
      break;
    case RopeType::kDynamic:
      out.values = dynamic_frequencies(rope, length);
      break;
    case RopeType::kLlama3:
      out.values = llama3_frequencies(rope);
      break;
    case RopeType::kYarn:
      out.values = yarn_frequencies(rope);
      out.attention_factor = static_cast<float>(yarn_attention_factor(rope));
      break;
    case RopeType::kLongrope:
      out.values = longrope_frequencies(rope, length);
      out.attention_factor = static_cast<float>(longrope_attention_factor(rope));
      break;
  }
  return out;
}

}  // namespace qk
