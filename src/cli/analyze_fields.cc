#include "cli/analyze_fields.h"

#include <array>

#include "cli/common_options.h"

namespace qk {
namespace {

constexpr const char* kMeasurement = "Measurement";
constexpr const char* kOnline = "Measurement with --method online";
constexpr const char* kErrorBars = "Error bars";

constexpr auto kFieldOptions = std::to_array<FieldOption>({
    {"dataset", "DIR", kInputGroup,
     "Dataset: a folder, or the id of a Hub dataset in the local cache"},
    {"dataset_local_root", "DIR", kInputGroup, "Dataset folder, under the original tool's name"},
    {"dataset_name", "ID", kInputGroup, "Hub dataset: REPO or REPO@REVISION"},
    {"dataset_revision", "NAME", kInputGroup, "Branch, tag or commit of the Hub dataset"},
    {"dataset_cache_dir", "DIR", kInputGroup, "Hub cache"},
    {"model_dir", "DIR", kInputGroup, "Subfolder of the dataset that holds the heads"},
    {"num_layers", "INT", kInputGroup, "Number of layers (default: from the dataset)"},
    {"num_q_heads", "INT", kInputGroup,
     "Number of query heads per layer (default: from the dataset)"},
    {"num_k_heads", "INT", kInputGroup,
     "Number of key heads per layer (default: from the dataset)"},
    {"download_max_workers", "INT", kInputGroup, "Files that are downloaded at once (default: 8)"},
    {"vector", "post_rope|pre_rope", kInputGroup,
     "Vectors to measure: post_rope or pre_rope (default: those of the column vector)"},
    {"bucket_width", "INT", kInputGroup,
     "Sort the rows into buckets of so many positions (default: the buckets of the dataset)"},
    {"method", "bucket|counted|linear|online|LIST", kMeasurement,
     "How plasticity is estimated: bucket, counted, linear or online, or several with commas "
     "between them (default: bucket)"},
    {"queries", "all|same_document", kMeasurement,
     "Queries that --method counted asks: all or same_document (default: all)"},
    {"covariance", "diagonal|full", kMeasurement,
     "Covariance for --method linear: diagonal or full (default: diagonal)"},
    {"min_queries", "INT", kMeasurement,
     "Fewest queries for a covariance, with --method bucket or online (default: 32)"},
    {"max_tokens_per_head", "INT", kMeasurement,
     "Most rows used per head, sampled at random (default: 50000)"},
    {"num_pairs_per_bucket", "INT", kMeasurement, "Key pairs per pair of buckets (default: 256)"},
    {"normality_max_dims", "INT", kMeasurement,
     "Most noise components tested for normality (default: 64)"},
    {"p_alpha", "FLOAT", kMeasurement, "Significance level of the test (default: 0.01)"},
    {"seed", "INT", kMeasurement, "Seed of all random draws (default: 0)"},
    {"compat", "reference", kMeasurement,
     "reference: reproduce the original's numbers and defects"},
    {"online_alpha", "FLOAT", kOnline, "Fraction forgotten per step, above 0 and at most 1"},
    {"online_half_life", "FLOAT", kOnline,
     "Steps until half is forgotten (default: 5 % of the positions)"},
    {"online_clock", "position|observation", kOnline,
     "What a step is: position or observation (default: position)"},
    {"online_start", "first|zero", kOnline,
     "Start from the first query or from a zero query: first or zero (default: first)"},
    {"online_times", "INT", kOnline, "Times measured per query bucket (default: 1)"},
    {"online_reach", "FLOAT", kOnline,
     "Largest distance within a key pair, as a fraction of the document (default: 0.05)"},
    {"online_reach_unit", "keys|tokens", kOnline,
     "Unit of that distance: keys or tokens (default: keys)"},
    {"error_bars", "none|jackknife|bootstrap", kErrorBars,
     "Whether numbers get error bars: none, jackknife or bootstrap (default: none)"},
    {"bootstrap", "INT", kErrorBars,
     "Number of resamples of the documents (default with --error_bars bootstrap: 1000)"},
    {"confidence", "FLOAT", kErrorBars, "Confidence level of the intervals (default: 0.95)"},
    {"interval", "t|percentile|bias-corrected", kErrorBars,
     "Kind of bootstrap interval: t, percentile or bias-corrected (default: t)"},
    {"profiles", "", kOutputGroup,
     "Also write what the pictures of a head need: residuals, spectrum, points"},
    {"profile_points", "INT", kOutputGroup,
     "Most queries, and keys, of a head that are drawn as points (default: 256)"},
    {"output_dir", "DIR", kOutputGroup, "Folder of the files below (default: the working folder)"},
    {"output_csv", "FILE", kOutputGroup,
     "Metrics of every head (default: head_metrics.csv); the other files go beside it"},
    {"bucket_csv", "FILE", kOutputGroup,
     "Plasticity per pair of buckets (default: head_bucket_plasticity.csv)"},
    {"component_csv", "FILE", kOutputGroup,
     "Weights of components (default: head_component_weights.csv)"},
    {"ci_csv", "FILE", kOutputGroup, "Error bars of every metric (default: head_metrics_ci.csv)"},
    {"detail_csv", "FILE", kOutputGroup,
     "Cells with what stands behind them (default: head_bucket_details.csv)"},
    {"position_csv", "FILE", kOutputGroup,
     "Plasticity over position (default: head_positions.csv)"},
    {"trend_csv", "FILE", kOutputGroup,
     "Slopes over position and distance (default: head_trends.csv)"},
    {"method_csv", "FILE", kOutputGroup, "Methods side by side (default: head_methods.csv)"},
    {"diagnostic_csv", "FILE", kOutputGroup,
     "Position and fit of every head (default: head_diagnostics.csv)"},
    {"rope_csv", "FILE", kOutputGroup, "Position by RoPE pair (default: head_rope_pairs.csv)"},
    {"curve_csv", "FILE", kOutputGroup,
     "Means over heads by position and distance (default: mean_curves.csv)"},
    {"mean_trend_csv", "FILE", kOutputGroup,
     "Slopes of the mean over heads (default: mean_trends.csv)"},
    {"replicates", "FILE", kOutputGroup,
     "Values behind the error bars, for compare (default: head_replicates.parquet)"},
    {"profile_parquet", "FILE", kOutputGroup,
     "Profiles of all heads, with --profiles (default: head_profiles.parquet)"},
    {"max_workers", "INT", kResourcesGroup, "Number of threads (default: all cores)"},
});

}  // namespace

std::span<const FieldOption> field_options() { return kFieldOptions; }

}  // namespace qk
