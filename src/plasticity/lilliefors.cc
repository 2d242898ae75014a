#include "plasticity/lilliefors.h"

#include "plasticity/ks_test.h"
namespace qk {
double lilliefors_p_value(int64_t n, double d) { return ks_p_value(n, d); }
}  // namespace qk
