// The operations of a layer outside attention: each the sequence of ATen calls of transformers, so that
// half precision rounds where it does.
#pragma once

#include <cstdint>

#include "torch/device.h"

namespace qk_torch {

void embedding(QkDevice& device, const QkHostWeight& table, const int32_t* ids, int64_t count,
               float scale, const QkMatrix& out);
void rms_norm(QkDevice& device, const QkMatrix& x, QkWeight& weight, float eps, int32_t norm,
              const QkMatrix& out);
void linear(QkDevice& device, const QkMatrix& x, const QkLinearJob* jobs, int64_t count);
void scale_rows(QkDevice& device, const QkMatrix& x, const float* factors);
void gated_activation(QkDevice& device, const QkMatrix& gate, const QkMatrix& up,
                      int32_t activation);
void add(QkDevice& device, const QkMatrix& x, const QkMatrix& y);
void gather_rows(QkDevice& device, const QkMatrix& x, const int32_t* rows, int64_t count,
                 const QkMatrix& out);

// Rotary embedding (rope.cc).
void rope_table(QkDevice& device, const float* frequencies, int64_t count, float factor,
                int64_t first, const QkMatrix& cos, const QkMatrix& sin);
void rope(QkDevice& device, const QkHeads& x, const QkMatrix& cos, const QkMatrix& sin,
          int32_t layout);

}  // namespace qk_torch
