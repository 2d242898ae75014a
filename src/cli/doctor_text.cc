#include "cli/doctor_text.h"

#include <fmt/format.h>

#include <cctype>

#include "base/number_text.h"

namespace qk {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDoctorSchema = 1;  // raised when a key changes its meaning or goes

const char* state_name(FindingState state) {
  switch (state) {
    case FindingState::kFine:
      return "fine";
    case FindingState::kNote:
      return "note";
    case FindingState::kFault:
      break;
  }
  return "fault";
}

const char* state_mark(FindingState state) {
  switch (state) {
    case FindingState::kFine:
      return " ";
    case FindingState::kNote:
      return "-";
    case FindingState::kFault:
      break;
  }
  return "X";
}

}  // namespace

std::string doctor_text(std::span<const FindingSection> sections) {
  std::string out;
  for (const FindingSection& section : sections) {
    std::string heading = section.name;
    heading[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(heading[0])));
    out += heading + "\n";
    for (const Finding& finding : section.findings) {
      out += fmt::format("{} {:<15}{}\n", state_mark(finding.state), finding.name, finding.text);
      if (!finding.remedy.empty()) out += fmt::format("  {:<15}=> {}\n", "", finding.remedy);
    }
  }
  const int faults = count_faults(sections);
  return out + (faults == 0 ? "No fault was found.\n"
                            : fmt::format("{}: what is marked with X is configured and does not "
                                          "work.\n",
                                          plural(faults, "fault")));
}

std::string doctor_json(std::span<const FindingSection> sections) {
  Json all = Json::object();
  for (const FindingSection& section : sections) {
    Json findings = Json::object();
    for (const Finding& finding : section.findings) {
      findings[finding.name] = {
          {"state", state_name(finding.state)},
          {"text", finding.text},
          {"remedy", finding.remedy.empty() ? Json() : Json(finding.remedy)},
          {"facts", finding.facts.is_null() ? Json::object() : finding.facts}};
    }
    all[section.name] = std::move(findings);
  }
  return Json({{"schema", kDoctorSchema}, {"faults", count_faults(sections)}, {"sections", all}})
      .dump(2, ' ', false, Json::error_handler_t::replace);
}

int count_faults(std::span<const FindingSection> sections) {
  int out = 0;
  for (const FindingSection& section : sections) {
    for (const Finding& finding : section.findings) {
      out += finding.state == FindingState::kFault ? 1 : 0;
    }
  }
  return out;
}

}  // namespace qk
