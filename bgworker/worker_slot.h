/* SPDX-License-Identifier: PostgreSQL
 *
 * A worker's side of its slot in the registry: beginning, being asked to stop, ending.
 */
#ifndef WEIR_WORKER_SLOT_H
#define WEIR_WORKER_SLOT_H

#include "postgres.h"

#include <signal.h>

#include "registry.h"

/* SIGTERM has come. */
extern volatile sig_atomic_t weir_stop_requested;

/* The first call of the worker's main function: takes the slot, sets signal handlers, connects to the
 * slot's database as the bootstrap superuser. Ends the process where the slot is not to be worked on.
 * From here on the end of the process, whatever it is, gives the slot back and tells the launcher;
 * the worker's views lose their stores and keep their conditions. */
extern WeirWorkerSlot *weir_worker_attach(Datum main_arg);

/* What weir_registry_claim_view() wants. */
extern int weir_worker_index(void);

/* stream "public.ticker": what weir_condition_set() wants. Lives as long as the process. */
extern const char *weir_worker_title(void);

/* The worker has done with its views for now, loaded or not: no stores from here on; sessions that have
 * an area attached keep it until they let go. The slots keep the views' conditions. */
extern void weir_worker_leave_views(void);

/* The worker has got somewhere: the next failure counts as the first one. */
extern void weir_worker_prove(void);

/* It has committed. */
extern void weir_worker_clear(void);

/* How SIGTERM acts. Patient: it sets weir_stop_requested and the latch, no more, and the main loop ends
 * after a last commit. Otherwise it also ends the process at the next CHECK_FOR_INTERRUPTS(), as in a
 * session; so a transaction is never patient, for it may wait for a lock. Where the request has come
 * before, what follows gets a second, and then ends so too. A worker begins impatient. */
extern void weir_worker_be_patient(bool is_patient);

/* Does pg_cancel_backend() cancel what comes now? */
extern void weir_worker_be_cancelable(bool is_cancelable);

#endif
