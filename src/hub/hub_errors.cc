#include "hub/hub_errors.h"

#include <fmt/format.h>

#include "base/error.h"
#include "hub/hub_answers.h"
#include "hub/hub_headers.h"

namespace qk {
namespace {

constexpr size_t kMaxNameShown = 200;
constexpr size_t kMaxIdShown = 80;
constexpr size_t kMaxWordsShown = 500;

// One row of the table: what an answer means and what to do about it.
struct Meaning {
  HubFault fault;
  std::string sentence;
};

std::string header_text(const HttpResponse& response, const char* name) {
  return response.headers.find(name).value_or("");
}

// Everything that the meaning of an answer depends on.
struct Case {
  const HubSettings& settings;
  const HubCall& call;
  const HttpResponse& response;
  std::string code = header_text(response, "X-Error-Code");
  std::string words = words_of(response);
  bool with_token = sends_token(settings, call);

  std::string token_page() const { return settings.endpoint + "/settings/tokens"; }
  std::string shown(const std::string& text, size_t max_bytes) const {
    return printable(settings.token.removed_from(text), max_bytes);
  }
  std::string kind() const {
    return call.repo && call.repo->kind == RepoKind::kDataset ? "dataset" : "model";
  }
};

Meaning bad_token(const Case& c) {
  return {HubFault::kBadToken,
          fmt::format("the Hub does not know the token from {}: make a new one at {}",
                      c.settings.token_origin, c.token_page())};
}

Meaning not_found(const Case& c) {
  if (c.with_token) {
    return {HubFault::kRepoNotFound,
            fmt::format("there is no {} of this name, or the account of the token from {} may not "
                        "see it: check the name and the account's access",
                        c.kind(), c.settings.token_origin)};
  }
  return {HubFault::kRepoNotFound,
          fmt::format("there is no {} of this name, or it is private: check the name; to use a "
                      "private one, set HF_TOKEN to a token from {}",
                      c.kind(), c.token_page())};
}

Meaning unauthorised(const Case& c) {
  if (c.with_token) return bad_token(c);
  if (c.call.repo && !c.call.writes) return not_found(c);
  return {HubFault::kNoAccess,
          fmt::format("this needs a token, and there is none: set HF_TOKEN to one from {}",
                      c.token_page())};
}

Meaning forbidden(const Case& c) {
  if (!c.with_token) return unauthorised(c);
  return {HubFault::kNoAccess,
          fmt::format("the token from {} may not {} here: give it that permission, or take another "
                      "one, at {}",
                      c.settings.token_origin, c.call.writes ? "write" : "read", c.token_page())};
}

Meaning gated(const Case& c) {
  const std::string page =
      c.settings.endpoint + "/" + (c.call.repo ? page_path(*c.call.repo) : std::string());
  return {HubFault::kGated,
          fmt::format(
              "access has to be asked for: open {} in a browser and accept the conditions{}", page,
              c.with_token
                  ? fmt::format(" with the account of the token from {}", c.settings.token_origin)
                  : "; then set HF_TOKEN to a token of that account")};
}

Meaning unavailable(const Case& c) {
  if (c.response.status == 429) {
    return {
        HubFault::kUnavailable,
        fmt::format("the Hub takes no more requests for now: run the same command again later{}",
                    c.with_token ? "" : "; with a token (HF_TOKEN) it takes more")};
  }
  const bool is_late =
      c.response.status == 408 || c.response.status == 504 || c.response.status == 524;
  return {is_late ? HubFault::kTimedOut : HubFault::kUnavailable,
          "the Hub cannot answer at the moment: run the same command again later"};
}

Meaning by_code(const Case& c) {
  if (c.code == "RepoNotFound") return not_found(c);
  if (c.code == "GatedRepo") return gated(c);
  if (c.code == "RevisionNotFound") {
    return {HubFault::kRevisionNotFound,
            fmt::format("the repository has no branch, tag or commit '{}'",
                        printable(c.call.revision, kMaxNameShown))};
  }
  if (c.code == "EntryNotFound" ||
      (c.response.status == 404 && c.response.headers.find("X-Repo-Commit"))) {
    return {HubFault::kEntryNotFound, "there is no such file at this revision"};
  }
  if (c.words.find("Access to this resource is disabled") != std::string::npos) {
    return {HubFault::kDisabled, "the Hub has disabled this repository"};
  }
  return {HubFault::kRefused, ""};
}

Meaning by_status(const Case& c) {
  const int status = c.response.status;
  if (status == 401) return unauthorised(c);
  if (status == 403) return forbidden(c);
  if (status == 409) return {HubFault::kConflict, "it is there already or is being changed"};
  if (status == 412) {
    return {HubFault::kMoved,
            "someone else has committed to the branch meanwhile: run the same command again"};
  }
  if (status == 413) return {HubFault::kTooLarge, "that is more than the Hub takes at once"};
  if (status == 404) {
    return {HubFault::kRefused,
            fmt::format("there is nothing at this address of {}: check HF_ENDPOINT",
                        c.settings.endpoint)};
  }
  if (status == 408 || status == 429 || status >= 500) return unavailable(c);
  if (status >= 300 && status < 400) {
    return {HubFault::kBadAnswer, "the Hub answered with a redirect that leads nowhere"};
  }
  return {HubFault::kRefused, "the Hub refused"};
}

HubFault hub_fault(HttpFault fault) {
  switch (fault) {
    case HttpFault::kTooLarge:
      return HubFault::kBadAnswer;
    case HttpFault::kTimeout:
    case HttpFault::kInterrupted:
      return HubFault::kTimedOut;
    default:
      return HubFault::kUnreachable;
  }
}

std::string_view what_to_do(HttpFault fault) {
  switch (fault) {
    case HttpFault::kResolve:
    case HttpFault::kConnect:
      return ": check the network and HF_ENDPOINT, and run the same command again";
    case HttpFault::kTimeout:
    case HttpFault::kSlow:
    case HttpFault::kInterrupted:
      return ": run the same command again later";
    case HttpFault::kProxy:
    case HttpFault::kTls:  // the sentence itself says it
      return "";
    case HttpFault::kTooLarge:
    case HttpFault::kOther:
      break;
  }
  return ": check HF_ENDPOINT";
}

}  // namespace

std::string subject_of(const HubCall& call) {
  std::string subject = "hub: ";
  if (!call.repo)
    return subject + printable(call.path.substr(0, call.path.find('?')), kMaxNameShown);
  subject += printable(call.repo->id, kMaxNameShown);
  if (!call.revision.empty()) subject += "@" + printable(call.revision, kMaxNameShown);
  if (!call.file.empty()) subject += ": " + printable(call.file, kMaxNameShown);
  return subject;
}

bool sends_token(const HubSettings& settings, const HubCall& call) {
  return !settings.token.empty() && (settings.sends_token || call.writes);
}

std::string words_of(const HttpResponse& response) {
  std::string header = header_text(response, "X-Error-Message");
  std::string body = words_of_error(response.body);
  if (body.empty() || header.find(body) != std::string::npos) return header;
  if (header.empty() || body.find(header) != std::string::npos) return body;
  return header + "; " + body;
}

HubError error_of_answer(const HubSettings& settings, const HubCall& call,
                         const HttpResponse& response) {
  const Case c{settings, call, response};
  Meaning meaning = by_code(c);
  if (meaning.sentence.empty()) meaning = by_status(c);
  std::string sentence =
      fmt::format("{}: {} (status {}", subject_of(call), meaning.sentence, response.status);
  if (!c.words.empty()) sentence += ", '" + c.shown(c.words, kMaxWordsShown) + "'";
  const std::string id = header_text(response, "X-Request-Id");
  if (!id.empty()) sentence += ", request " + c.shown(id, kMaxIdShown);
  return {meaning.fault, sentence + ")"};
}

HubError error_of_failure(const HubSettings& settings, const std::string& subject,
                          const HttpFailure& failure) {
  return {hub_fault(failure.fault()),
          settings.token.removed_from(
              fmt::format("{}: {}{}", subject, failure.what(), what_to_do(failure.fault())))};
}

}  // namespace qk
