/* SPDX-License-Identifier: PostgreSQL
 *
 * The windows of a store, whichever kind they are.
 *
 * Tumbling windows lie in the store as they are. Hopping windows are made of slices: of a hopping view  a
 * group is that of a slice, with the start of the slice and the end of the last window that holds it. An
 * event is folded once, and its slice is there until no window needs it; what a window has is computed
 * when it is asked for: at its close, and by readers.
 */
#ifndef WEIR_SLICE_H
#define WEIR_SLICE_H

#include "postgres.h"

#include "store.h"

extern bool weir_slice_is_used(const WeirQuery *query);

/* The first window that ends after this time. Result: false if there is none. */
extern bool weir_slice_next_window(const WeirStore *store, int64 after_us, WeirWindow *window);

/* The groups of a window that was found so. Result: the store that has them, which is another one, in the
 * current memory context, where they were merged out of slices. */
extern WeirStore *weir_slice_groups(WeirStore *store, const WeirWindow *window,
									const WeirOpenWindow **groups);

#endif
