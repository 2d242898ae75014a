#include "verify/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/atomic_file.h"
#include "base/build_info.h"
#include "base/error.h"
#include "formats/json.h"

namespace qk {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t kMaxBytes = size_t{1} << 20;

// To three digits: more would be noise.
double rounded(double value) { return std::stod(fmt::format("{:.3g}", value)); }

// Typed reads of one object; a failure names file and key.
class Reader {
 public:
  Reader(const json& object, std::string file) : object_(object), file_(std::move(file)) {}

  std::string string(const char* key) const {
    const auto it = object_.find(key);
    if (it == object_.end() || !it->is_string()) refuse(key, "a string");
    return it->get<std::string>();
  }
  double number(const char* key) const {
    const auto it = object_.find(key);
    const bool fits = it != object_.end() && it->is_number() && *it >= 0;
    if (!fits || !std::isfinite(it->get<double>())) refuse(key, "a number of at least 0");
    return it->get<double>();
  }
  bool has(const char* key) const { return object_.contains(key); }
  std::string dump() const { return object_.dump(); }
  DType dtype(const char* key) const {
    const std::optional<DType> found = parse_torch_name(string(key));
    if (!found) refuse(key, "float32, float16 or bfloat16");
    return *found;
  }
  Reader object(const char* key) const {
    const auto it = object_.find(key);
    if (it == object_.end() || !it->is_object()) refuse(key, "an object");
    return {*it, file_};
  }
  std::vector<IdentifiedFile> files() const {
    const auto list = object_.find("files");
    if (list == object_.end() || !list->is_array() || list->empty()) {
      refuse("model.files", "a list of files");
    }
    std::vector<IdentifiedFile> out;
    for (const json& item : *list) {
      if (!item.is_object()) refuse("model.files", "objects");
      const Reader file(item, file_);
      out.push_back(
          {file.string("name"), static_cast<int64_t>(file.number("bytes")), file.string("sha256")});
    }
    return out;
  }
  [[noreturn]] void refuse(const char* key, const std::string& expected) const {
    fail("{}: {}: expected {}, as `qkscope verify --certificate` writes it", file_, key, expected);
  }

 private:
  const json& object_;
  std::string file_;
};

constexpr const char* kEqualBits = "equal bits";
constexpr const char* kWithinRms = "within rms";
constexpr const char* kWithinTolerance = "within tolerance";

const char* kind_text(VerdictKind kind) {
  if (kind == VerdictKind::kEqualBits) return kEqualBits;
  return kind == VerdictKind::kWithinRms ? kWithinRms : kWithinTolerance;
}

// Absent for float32 on our own kernels, which certificates were made for first.
void add_computed_in(const Verification& verification, ordered_json& out) {
  const ComputedIn& run = verification.run;
  if (!run.on_torch()) return;
  out["kind"] = kind_text(verification.kind);
  out["computed_in"] = {{"dtype", torch_name(run.dtype)},
                        {"device", ordered_json::parse(run.device)}};
  const NamedDevice& made_on = verification.reference.device;
  if (!made_on.kind.empty()) {
    out["reference"]["device"] = made_on.kind;
    out["reference"]["device_name"] = made_on.name;
  }
}

ordered_json worst_json(const Verification& verification) {
  const VerifiedSite& worst = verification.worst();
  const SiteDifference& difference = worst.difference;
  const std::string name = reference_name(difference.layer, difference.site);
  if (verification.kind == VerdictKind::kEqualBits) {
    return {{"array", name}, {"difference", 0}, {"allowed", 0}};
  }
  if (verification.kind == VerdictKind::kWithinRms) {
    return {{"array", name},
            {"difference", rounded(difference.typical())},
            {"allowed", rounded(worst.allowed)},
            {"difference_99_percent", rounded(difference.tail())},
            {"allowed_99_percent", rounded(kTailMultiple * worst.allowed)}};
  }
  return {{"array", name},
          {"difference", rounded(difference.ratio())},
          {"allowed", rounded(worst.allowed)}};
}

ComputedIn read_computed_in(const Reader& reader) {
  if (!reader.has("computed_in")) return {};
  const Reader computed_in = reader.object("computed_in");
  return {computed_in.dtype("dtype"), computed_in.object("device").dump()};
}

// What was found, for the dataset card: "the largest difference is ...".
std::string finding(const std::string& kind, const Reader& worst) {
  if (kind == kEqualBits) return "all bits are equal";
  const std::string array = printable(worst.string("array"), 40);
  if (kind == kWithinRms) {
    return fmt::format(
        "the root mean square of the differences is at most {:.2g} of the largest value of its layer "
        "({}), where {:.2g} is allowed, and 99 % of them are at most {:.2g}, where {:.2g} is allowed",
        worst.number("difference"), array, worst.number("allowed"),
        worst.number("difference_99_percent"), worst.number("allowed_99_percent"));
  }
  return fmt::format(
      "the largest difference is {:.2g} of the largest value of its layer ({}), where {:.2g} is "
      "allowed",
      worst.number("difference"), array, worst.number("allowed"));
}

std::string summary_of(const Reader& reader, const ComputedIn& run) {
  const Reader reference = reader.object("reference");
  std::string kind = kWithinTolerance;
  if (run.on_torch()) {
    kind = reader.string("kind");
    if (kind != kEqualBits && kind != kWithinRms && kind != kWithinTolerance) {
      reader.refuse("kind", fmt::format("{}, {} or {}", kEqualBits, kWithinRms, kWithinTolerance));
    }
  }
  const std::string ours = run.on_torch() ? ", computed in " + computed_in_text(run) + "," : "";
  return fmt::format(
      "Queries and keys of this model{} were compared with transformers {} in {} ({} tokens): {}. "
      "Reference SHA-256 {}.",
      ours, printable(reference.string("transformers"), 40), torch_name(reference.dtype("dtype")),
      reference.number("tokens"), finding(kind, reader.object("worst")),
      printable(reference.string("sha256"), 64));
}

void check_computed_in(const Certificate& certificate, const ComputedIn& run) {
  const ComputedIn& made_for = certificate.computed_in;
  if (made_for.dtype != run.dtype || made_for.on_torch() != run.on_torch()) {
    fail(
        "{}: computed_in: expected {}, as this run computes, found {}: run `qkscope verify` with the "
        "run's --device and --dtype",
        certificate.file, computed_in_text(run), computed_in_text(made_for));
  }
  if (!run.on_torch()) return;
  const json theirs = parse_json(made_for.device, certificate.file);
  const json ours = parse_json(run.device, "the device's description");
  json all = theirs;
  all.update(ours);
  for (const auto& [key, value] : all.items()) {
    const json expected = ours.value(key, json()), found = theirs.value(key, json());
    if (found == expected) continue;
    fail(
        "{}: computed_in.device.{}: expected {}, as this run has, found {}: run `qkscope verify` with "
        "the run's --device, --chunk-tokens and --attention-tokens (and --compat, if it has compat)",
        certificate.file, printable(key, 40), printable(expected.dump()), printable(found.dump()));
  }
}

}  // namespace

std::string certificate_json(const Verification& verification) {
  QK_CHECK(verification.passed());
  ordered_json files = ordered_json::array();
  for (const IdentifiedFile& file : verification.model_files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  const std::string commit = build_commit();
  ordered_json out;
  out["format"] = kCertificateFormat;
  out["verdict"] = "passed";
  out["program"] = {{"version", version()},
                    {"commit", commit.empty() ? ordered_json(nullptr) : ordered_json(commit)}};
  out["model"] = {{"files", std::move(files)}};
  out["reference"] = {{"sha256", verification.reference_sha256},
                      {"transformers", verification.reference.transformers},
                      {"torch", verification.reference.torch},
                      {"dtype", torch_name(verification.reference.dtype)},
                      {"tokens", verification.num_tokens},
                      {"compared_tokens", verification.num_rows},
                      {"ids_from_text", verification.ids_compared}};
  out["arrays"] = verification.sites.size();
  out["worst"] = worst_json(verification);
  add_computed_in(verification, out);
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Certificate read_certificate(const std::filesystem::path& path) {
  Certificate out;
  out.file = path.string();
  const json object = parse_json(read_file(path, kMaxBytes), out.file);
  if (!object.is_object()) {
    fail("{}: expected a certificate of `qkscope verify`, found {}", out.file, object.type_name());
  }
  const Reader reader(object, out.file);
  if (reader.string("format") != kCertificateFormat) {
    reader.refuse("format", std::string(kCertificateFormat));
  }
  if (reader.string("verdict") != "passed") reader.refuse("verdict", "passed");
  out.model_files = reader.object("model").files();
  out.computed_in = read_computed_in(reader);
  out.summary = summary_of(reader, out.computed_in);
  out.json = object.dump(-1, ' ', false, json::error_handler_t::replace);
  return out;
}

void check_certificate(const Certificate& certificate, const std::vector<IdentifiedFile>& model,
                       const ComputedIn& run) {
  const auto& files = certificate.model_files;
  for (size_t i = 0; i < std::max(files.size(), model.size()); ++i) {
    const std::string found = i < files.size() ? files[i].name + " " + files[i].sha256 : "nothing";
    const std::string ours = i < model.size() ? model[i].name + " " + model[i].sha256 : "nothing";
    if (found == ours) continue;
    fail(
        "{}: model.files: expected {}, which the model is read from, found {}: the certificate is "
        "for another model",
        certificate.file, printable(ours), printable(found));
  }
  check_computed_in(certificate, run);
}

}  // namespace qk
