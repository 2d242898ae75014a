#include "plasticity/head_metrics.h"

#include <array>

namespace qk {
namespace {

constexpr std::array<MetricField, 14> kFields = {{
    {"q_R2_pos", &HeadMetrics::q_r2_pos},
    {"q_beta_norm", &HeadMetrics::q_beta_norm},
    {"q_R2_scalar", &HeadMetrics::q_r2_scalar},
    {"q_mae_baseline", &HeadMetrics::q_mae_baseline},
    {"q_mae_proj", &HeadMetrics::q_mae_proj},
    {"q_mae_ratio", &HeadMetrics::q_mae_ratio},
    {"q_resid0_skew", &HeadMetrics::q_resid0_skew},
    {"q_resid0_kurt", &HeadMetrics::q_resid0_kurt},
    {"q_resid0_ks_p", &HeadMetrics::q_resid0_ks_p},
    {"q_noise_med_abs_skew", &HeadMetrics::q_noise_med_abs_skew},
    {"q_noise_med_abs_kurt", &HeadMetrics::q_noise_med_abs_kurt},
    {"q_noise_med_ks_p", &HeadMetrics::q_noise_med_ks_p},
    {"q_noise_frac_ks_p_lt_alpha", &HeadMetrics::q_noise_frac_ks_p_lt_alpha},
    {"ap_overall", &HeadMetrics::ap_overall},
}};

}  // namespace

std::span<const MetricField> metric_fields() { return kFields; }

}  // namespace qk
