// The capture run: documents in, dataset out.
#pragma once

#include "capture/prepared_run.h"
#include "capture/run_options.h"

namespace qk {

// Runs it. The dataset appears in output.data_root file by file, each whole, the card last; until
// then every captured row is in the journal below <data_root>/.qkscope. Results do not depend on
// batch_size, num_threads and chunk_tokens, nor on how often the run was interrupted and resumed.
// A signal (options.stop) ends it with report.stopped; what was captured is in the journal then.
// Throws Error: the output folder holds a dataset or a journal and neither overwrite nor resume is
// set, another run is writing into it, it cannot be written, the disk is full, a document cannot be
// read or tokenised, no row was captured; with resume, the journal or the dataset is of another
// model, tokenizer, corpus, configuration, version or build; the certificate is for another model.
// A journal with whole documents is kept then, and the message says so. With ram_bytes: the memory
// plan does not fit (before anything is written), or a document's text is too large to be tokenised
// within it.
RunReport run_capture(const PreparedRun& run, const RunOptions& options);

}  // namespace qk
