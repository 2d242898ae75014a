// The cluster: the job that this process is in, who started it, MPI.
#pragma once

#include "capture/job_time.h"
#include "cluster/launcher.h"
#include "doctor/finding.h"

namespace qk {

// Loads the MPI library, but does not initialise it. In a job of Slurm squeue may be asked.
FindingSection cluster_findings(const Environment& get = environment_value,
                                const JobQuestions& ask = job_questions());

}  // namespace qk
