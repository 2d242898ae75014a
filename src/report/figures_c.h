/* The C ABI of rust/figures_c: draws the figure that figure_drawing.cc describes as JSON.
 *
 * A function that can fail returns 0 on success, else another number, and then fills *error and
 * nothing else. A panic inside the crate is such an error too; nothing is printed, nothing aborts.
 * What is filled belongs to the caller: release it with qk_figures_free. Threads: safe. */
#ifndef QK_REPORT_FIGURES_C_H_
#define QK_REPORT_FIGURES_C_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  unsigned char* data;
  size_t size;
} qk_figures_bytes;

/* json [size]: see rust/figures_c/src/figure.rs. format: 0 SVG, 1 PNG of 200 dots per inch, 2 PDF.
 * Equal arguments give equal bytes: no dates, no fonts but the built-in one. *notes, filled on
 * success: a line for each thing that is not drawn as asked for (texts that do not fit, characters
 * that the font lacks). */
int32_t qk_figures_draw(const char* json, size_t size, int32_t format, qk_figures_bytes* figure,
                        qk_figures_bytes* notes, qk_figures_bytes* error);

void qk_figures_free(qk_figures_bytes bytes);

#ifdef __cplusplus
}
#endif

#endif /* QK_REPORT_FIGURES_C_H_ */
