// What the batch system says about the time that is left to this job.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace qk {

// How the batch system is asked; others are for tests.
struct JobQuestions {
  // getenv; none if the variable is not set.
  std::function<std::optional<std::string>(const char* name)> get_env;
  // The output of `squeue -h -j JOB -o %L`; none if it is missing, fails or takes more than 10 s.
  std::function<std::optional<std::string>(const std::string& job)> squeue;
  std::function<double()> epoch;        // seconds since 1970
  std::function<double()> session_age;  // seconds since this session began
};

// The real ones.
JobQuestions job_questions();

struct JobTime {
  std::optional<double>
      left;             // seconds from now, at least 1 s; none: there is no limit, or none is known
  std::string warning;  // a sentence, if the job may have a limit that could not be found out
};

// In a job of Slurm: SLURM_JOB_END_TIME if it is in the future, else squeue is asked, once. In a job
// of Torque: PBS_WALLTIME, counted from the beginning of the session, which Torque starts for the
// job. PBS Pro has no such variable, and is not asked. Threads: call it from one.
JobTime find_time_limit(const JobQuestions& ask = job_questions());

}  // namespace qk
