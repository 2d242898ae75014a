// Folders as `qkscope analyze` writes them, with made-up numbers: same options, same bytes.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// mulberry32: numbers in [0, 1).
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

// Texts that a page must show as they are, and never obey.
export const kHostile = [
  "</script><script>hit()</script>", "</template><img src=x onerror=hit()>", "<!--", "<img src=x onerror=hit()>",
  "\u202Eevil\u202C", "\u2066isolated\u2069", "nul\u0000here", "__proto__", "constructor", "=cmd|' /C calc'!A0",
  "long ".repeat(2000), "javascript:hit()", "&lt;b&gt;", "${hit()}", "@@QKSCOPE_DATA@@",
];

const kMetrics = ["q_R2_pos", "q_beta_norm", "q_R2_scalar", "q_mae_baseline", "q_mae_proj", "q_mae_ratio", "q_resid0_skew",
  "q_resid0_kurt", "q_resid0_ks_p", "q_noise_med_abs_skew", "q_noise_med_abs_kurt", "q_noise_med_ks_p",
  "q_noise_frac_ks_p_lt_alpha", "ap_overall"];
const kSmall = new Set(["q_beta_norm", "q_resid0_ks_p", "q_noise_med_ks_p"]);

const usual = {
  layers: 6, heads: 4, group: 2, buckets: 6, width: 128, components: 8, documents: 20, methods: ["bucket", "counted"],
  seed: 1, bars: true, type: "uniform", model: "made/model-1B", skip: () => false, failed: [], empty: () => false, rope: true,
  note: () => "", warning: null, vector: "post_rope",
};

let running = 0;  // of the notes that were asked for

class Csv {
  constructor(columns) { this.lines = [columns.join(",")]; }
  row(...values) {
    let line = "", first = true;
    for (const value of values) {
      if (!first) line += ",";
      first = false;
      if (typeof value === "string") line += /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
      else if (!Number.isNaN(value)) line += value;
    }
    this.lines.push(line);
  }
  write(path) { writeFileSync(path, this.lines.join("\n") + "\n"); }
}

// Heads that were measured: {layer, q, k}. `skip` leaves gaps.
export function headsOf(options) {
  const { layers, heads, group, skip } = { ...usual, ...options };
  const found = [];
  for (let layer = 0; layer < layers; ++layer) {
    for (let q = 0; q < heads; ++q) {
      if (!skip(layer, q)) found.push({ layer, q, k: Math.floor(q / group) });
    }
  }
  return found;
}

// First and last position of a bucket.
function bounds(bucket, { width, type }) {
  const begin = (b) => (type === "log" ? width * (2 ** b - 1) : width * b);
  return [begin(bucket), begin(bucket + 1) - 1];
}

function documentsOf(bucket, { buckets, documents }) {
  return Math.max(1, Math.round(documents * (1 - bucket / buckets) ** 1.5));
}

function interval(value, draw, bars) {
  const half = 0.01 + 0.04 * draw();
  return bars ? [value - half, value + half * (0.8 + 0.4 * draw()), half / 2] : [NaN, NaN, NaN];
}

function writeHeads(folder, heads, options, draw) {
  const { bars, documents, empty } = options;
  const overall = new Map();  // of a head and method: value, interval, error
  const table = new Csv(["layer", "q_head", "k_head", "n_q_tokens", "n_k_tokens", "d_model", ...kMetrics]);
  const errors = new Csv(["layer", "q_head", "k_head", "method", "metric", "estimate", "ci_low", "ci_high", "std_error", "bias",
    "replicates", "documents", "effective_documents", "effective_rows", "note"]);
  for (const { layer, q, k } of heads) {
    const values = kMetrics.map((name) => {
      if (empty(layer, q, name)) return NaN;
      if (kSmall.has(name)) return draw() ** 8 * (draw() < 0.3 ? 1e-80 : 1);
      return name.includes("skew") || name.includes("kurt") ? 3 * draw() - 1 : draw();
    });
    table.row(layer, q, k, 500 + Math.floor(100 * draw()), 600, 64, ...values);
    for (const [i, name] of kMetrics.entries()) {
      const methods = name === "ap_overall" ? options.methods : options.methods.slice(0, 1);
      for (const [m, method] of methods.entries()) {
        const value = m === 0 ? values[i] : values[i] * 0.97;
        const [low, high, error] = Number.isNaN(value) ? [NaN, NaN, NaN] : interval(value, draw, bars);
        if (name === "ap_overall") overall.set(`${layer}.${q} ${method}`, [value, low, high, error]);
        errors.row(layer, q, k, method, name, value, low, high, error, 0.001 * draw(), documents, documents, documents * 0.8,
          100 * draw(), Number.isNaN(value) ? "no value" : options.note(running++));
      }
    }
  }
  table.write(join(folder, "head_metrics.csv"));
  if (bars) errors.write(join(folder, "head_metrics_ci.csv"));
  return overall;
}

function writeCells(folder, heads, options, draw) {
  const { buckets, bars, details, empty } = options;
  const cells = new Csv(["layer", "q_head", "k_head", "q_bucket", "k_bucket", "ap_bucket"]);
  const all = new Csv(["layer", "q_head", "k_head", "method", "q_bucket", "k_bucket", "q_from", "q_to", "k_from", "k_to",
    "queries", "pairs", "documents", "ap_bucket", "ci_low", "ci_high", "std_error", "note"]);
  for (const { layer, q, k } of heads) {
    const level = 0.3 + 0.5 * draw();
    for (let qb = 1; qb < Math.max(2, buckets); ++qb) {
      if (buckets === 1) break;
      for (let kb = 0; kb < qb; ++kb) {
        const value = empty(layer, q, "cell") ? NaN : Math.round(1e5 * (level + 0.2 * draw())) / 1e5;
        cells.row(layer, q, k, qb, kb, value);
        for (const [m, method] of (details ? options.methods : []).entries()) {
          const own = m === 0 ? value : value * 0.97;
          const [low, high, error] = Number.isNaN(own) ? [NaN, NaN, NaN] : interval(own, draw, bars);
          all.row(layer, q, k, method, qb, kb, ...bounds(qb, options), ...bounds(kb, options),
            40 * documentsOf(qb, options), Number.isNaN(own) ? 0 : 256, documentsOf(qb, options), own, low, high, error,
            Number.isNaN(own) ? "no pair" : options.note(running++));
        }
      }
    }
  }
  cells.write(join(folder, "head_bucket_plasticity.csv"));
  if (details) all.write(join(folder, "head_bucket_details.csv"));
}

function writeCurves(folder, heads, options, draw) {
  const { buckets, bars } = options;
  const curves = new Csv(["layer", "q_head", "k_head", "method", "reach", "q_bucket", "position_from", "position_to", "queries",
    "documents", "pairs", "ap_mean", "ci_low", "ci_high", "std_error", "drift_mean", "drift_sd", "drift_line", "q_norm", "k_norm", "note"]);
  const trends = new Csv(["layer", "q_head", "k_head", "method", "trend", "reach", "documents", "cells", "slope", "ci_low",
    "ci_high", "std_error", "unit", "note"]);
  const half = Math.floor(buckets / 2);
  for (const { layer, q, k } of heads) {
    const level = 0.3 + 0.5 * draw();
    for (const method of options.methods) {
      for (const reach of ["", ...(buckets > 3 ? [String(half)] : [])]) {
        for (let b = 1; b < (reach ? half + 1 : buckets); ++b) {
          const value = options.empty(layer, q, "curve") ? NaN : level - 0.01 * b + 0.05 * draw();
          curves.row(layer, q, k, method, reach, b, ...bounds(b, options), 40 * documentsOf(b, options),
            documentsOf(b, options), 256 * b, value, ...(Number.isNaN(value) ? [NaN, NaN, NaN] : interval(value, draw, bars)),
            b - 3 + draw(), 0.5 + draw(), b - 2.5, 5 + draw(), 7 + draw(), options.note(running++));
        }
        for (const trend of ["position", "distance", "curve"]) {
          const slope = buckets > 2 ? 0.1 * (draw() - 0.5) : NaN;
          trends.row(layer, q, k, method, trend, reach, options.documents, buckets * (buckets - 1) / 2, slope,
            ...(Number.isNaN(slope) ? [NaN, NaN, NaN] : interval(slope, draw, bars)), "per 1000 tokens",
            Number.isNaN(slope) ? "one bucket" : "");
        }
      }
    }
  }
  if (buckets > 1) curves.write(join(folder, "head_positions.csv"));
  trends.write(join(folder, "head_trends.csv"));
}

function writeRest(folder, heads, options, draw, overall) {
  const { bars, documents, components } = options;
  const methods = new Csv(["layer", "q_head", "k_head", "method", "ap_overall", "ci_low", "ci_high", "std_error", "documents",
    "against", "difference", "difference_low", "difference_high", "difference_std_error", "warning"]);
  const diagnostics = new Csv(["layer", "q_head", "k_head", "documents", "window", "position_share", "position_share_low",
    "position_share_high", "position_share_std_error", "position_floor", "bucket_R2", "line_share", "turn_share",
    "score_ks_distance", "score_ks_floor", "score_skew", "score_kurt", "warning"]);
  const weights = new Csv(["layer", "q_head", "k_head", "component", "component_r2", "component_weight"]);
  const pairs = new Csv(["layer", "q_head", "k_head", "rope_set", "pair", "first_component", "second_component", "wavelength",
    "variance_share", "line_R2", "bucket_R2", "floor", "position_share", "turn_share"]);
  for (const { layer, q, k } of heads) {
    for (const [m, method] of options.methods.entries()) {
      methods.row(layer, q, k, method, ...overall.get(`${layer}.${q} ${method}`), documents, m === 0 ? options.methods[1] ?? "" : "",
        ...(m === 0 && options.methods[1] ? [0.01, -0.01, 0.03, 0.01] : [NaN, NaN, NaN, NaN]), "");
    }
    const share = draw();
    diagnostics.row(layer, q, k, documents, layer % 3 === 1 ? 512 : NaN, share, ...interval(share, draw, bars), 0.002, share + 0.002,
      draw(), draw(), 0.1 * draw(), 0.04, draw(), draw(), options.warning?.(running++) ?? (draw() < 0.2 ? "scores are far from normal" : ""));
    for (let c = 0; c < components; ++c) weights.row(layer, q, k, c, 0.1 * draw(), 1 / components);
    for (let c = 0; options.rope && c < components / 2; ++c) {
      pairs.row(layer, q, k, 0, c, c, c + components / 2, 2 * Math.PI * 10000 ** (2 * c / components), 2 / components, draw(), draw(),
        0.002, draw(), draw());
    }
  }
  methods.write(join(folder, "head_methods.csv"));
  diagnostics.write(join(folder, "head_diagnostics.csv"));
  weights.write(join(folder, "head_component_weights.csv"));
  if (options.rope) pairs.write(join(folder, "head_rope_pairs.csv"));
}

function writeMeans(folder, heads, options, draw) {
  const { buckets, width, bars, documents } = options;
  const curves = new Csv(["curve", "heads", "method", "reach", "bucket", "center", "from", "to", "num_heads", "documents",
    "ap_mean", "ci_low", "ci_high", "std_error", "note"]);
  const trends = new Csv(["heads", "method", "trend", "reach", "num_heads", "num_rising", "num_falling", "documents", "slope",
    "ci_low", "ci_high", "std_error", "unit", "note"]);
  for (const method of options.methods) {
    for (const curve of ["position", "distance"]) {
      for (let b = 1; b < buckets; ++b) {
        const value = 0.6 + 0.1 * draw();
        const [from, to] = bounds(b, options);
        const place = curve === "position" ? [(from + to) / 2, from, to] : [b * width, b * width / 2, b * width * 2];
        curves.row(curve, "all", method, "", b, ...place, heads.length, documentsOf(b, options), value,
          ...interval(value, draw, bars), "");
      }
    }
    for (const trend of ["position", "distance", "curve"]) {
      const slope = 0.1 * (draw() - 0.5);
      trends.row("all", method, trend, "", heads.length, 3, 2, documents, slope, ...interval(slope, draw, bars), "per 1000 tokens", "");
    }
  }
  curves.write(join(folder, "mean_curves.csv"));
  trends.write(join(folder, "mean_trends.csv"));
}

function record(heads, options) {
  const { layers, heads: all, group, bars, model, failed } = options;
  return {
    program: "qkscope", version: "0.1.0", commit: "0123456789ab", method: options.methods[0], methods: options.methods,
    queries: "all", min_queries: 32, error_bars: bars ? "jackknife" : null, bootstrap: null, confidence: 0.95, interval: "t",
    compat: null, seed: 0, max_tokens_per_head: 50000, normality_max_dims: 64, p_alpha: 0.01, num_pairs_per_bucket: 256,
    configured: { dataset: "/home/someone/secret/dataset", output_dir: "/home/someone/secret/results" },
    dataset: {
      folder: "/home/someone/secret/dataset", model,
      corpus: { id_column: null, sha256: "ab".repeat(32), split: "train", text_column: "text" },
      capture: { max_length: 8192, max_samples: null, sampler: { type: "uniform", base_rate: 64, positions: "independent" } },
      num_layers: layers, num_q_heads: all, num_k_heads: Math.ceil(all / group),
    },
    vector: options.vector, vector_column: "vector", bucket_width: null, documents: null,
    buckets: options.type === "log" ? { type: "log" } : { type: "uniform", width: options.width },
    tables: {
      heads: "head_metrics.csv", buckets: "head_bucket_plasticity.csv", components: "head_component_weights.csv",
      intervals: "head_metrics_ci.csv", details: "head_bucket_details.csv", positions: "head_positions.csv",
      trends: "head_trends.csv", methods: "head_methods.csv", diagnostics: "head_diagnostics.csv",
      rope_pairs: "head_rope_pairs.csv", curves: "mean_curves.csv", mean_trends: "mean_trends.csv",
      ...(options.profiles ? { profiles: "head_profiles.parquet" } : {}),
    },
    heads: { measured: heads.length, not_captured: 0, without_keys: 0, failed },
  };
}

function writeBare(folder, heads, metrics, draw) {
  const table = new Csv(["layer", "q_head", "k_head", ...metrics]);
  for (const { layer, q, k } of heads) table.row(layer, q, k, ...metrics.map(draw));
  table.write(join(folder, "head_metrics.csv"));
}

// Writes the folder and returns its path. `metricsOnly`: head_metrics.csv and nothing else; `cellsOnly`: with its cells;
// `bare`: head_metrics.csv with these metrics alone, and without numbers of queries and keys.
export function writeAnalysis(folder, given = {}) {
  const options = { ...usual, details: !given.cellsOnly, ...given };
  mkdirSync(folder, { recursive: true });
  const heads = headsOf(options);
  const draw = random(options.seed);
  running = 0;
  if (given.bare) {
    writeBare(folder, heads, given.bare, draw);
    return folder;
  }
  const overall = writeHeads(folder, heads, options, draw);
  if (given.metricsOnly) return folder;
  writeCells(folder, heads, options, draw);
  if (!given.cellsOnly) {
    writeCurves(folder, heads, options, draw);
    writeRest(folder, heads, options, draw, overall);
    if (options.buckets > 1) writeMeans(folder, heads, options, draw);
  }
  writeFileSync(join(folder, "head_metrics.csv.json"), JSON.stringify(record(heads, options), null, 2) + "\n");
  return folder;
}
