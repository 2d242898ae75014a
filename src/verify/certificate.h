// The certificate that `verify` writes and `sniff` puts into a dataset: a short JSON object that
// says which model was compared with which reference, and how close they are.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "verify/verification.h"

namespace qk {

inline constexpr std::string_view kCertificateFormat = "qkscope.certificate.1";

struct Certificate {
  std::string json;                         // the whole object, in one line
  std::vector<IdentifiedFile> model_files;  // that it was made for
  ComputedIn computed_in;                   // that it holds for
  std::string file;                         // where it was read from, for messages
  // One sentence for the dataset card.
  std::string summary;
};

// REQUIRES: verification.passed().
std::string certificate_json(const Verification& verification);

// Throws Error if the file is not a certificate of this format, or its verdict is not "passed".
Certificate read_certificate(const std::filesystem::path& path);

// Throws Error unless the certificate was made for exactly these files, and for a run in the same
// type and on the same device (all of its description) with the same chunks.
void check_certificate(const Certificate& certificate, const std::vector<IdentifiedFile>& model,
                       const ComputedIn& run = {});

}  // namespace qk
