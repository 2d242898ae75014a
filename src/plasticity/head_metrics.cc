#include "plasticity/head_metrics.h"

#include <array>

namespace qk {
namespace {

constexpr std::array<MetricField, 14> kFields = {{
    {"q_R2_pos", &HeadMetrics::q_r2_pos, ValueScale::kFraction},
    {"q_beta_norm", &HeadMetrics::q_beta_norm, ValueScale::kLength},
    {"q_R2_scalar", &HeadMetrics::q_r2_scalar, ValueScale::kFraction},
    {"q_mae_baseline", &HeadMetrics::q_mae_baseline, ValueScale::kPositive},
    {"q_mae_proj", &HeadMetrics::q_mae_proj, ValueScale::kPositive},
    {"q_mae_ratio", &HeadMetrics::q_mae_ratio, ValueScale::kPositive},
    {"q_resid0_skew", &HeadMetrics::q_resid0_skew, ValueScale::kReal},
    {"q_resid0_kurt", &HeadMetrics::q_resid0_kurt, ValueScale::kReal},
    {"q_resid0_ks_p", &HeadMetrics::q_resid0_ks_p, ValueScale::kPValue},
    {"q_noise_med_abs_skew", &HeadMetrics::q_noise_med_abs_skew, ValueScale::kLength},
    {"q_noise_med_abs_kurt", &HeadMetrics::q_noise_med_abs_kurt, ValueScale::kLength},
    {"q_noise_med_ks_p", &HeadMetrics::q_noise_med_ks_p, ValueScale::kPValue},
    {"q_noise_frac_ks_p_lt_alpha", &HeadMetrics::q_noise_frac_ks_p_lt_alpha, ValueScale::kPValue},
    {"ap_overall", &HeadMetrics::ap_overall, ValueScale::kFraction},
}};

}  // namespace

std::span<const MetricField> metric_fields() { return kFields; }

}  // namespace qk
