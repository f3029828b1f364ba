/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * hook(9): lists of hooks, and the shutdown hooks, which are called when the
 * process exits.
 *
 * simplehook_dohooks() calls each hook without khl_lock.  So no thread may
 * unlink a hook while the list is in use.  Instead, simplehook_disestablish()
 * clears hk_func.  When simplehook_dohooks() has reached the end of the list,
 * it unlinks and frees the hooks whose hk_func is NULL.
 */

#include <errno.h>

#include <sys/condvar.h>
#include <sys/hook.h>
#include <sys/kmem.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_mutex.h"

/* A hook.  The lock of its list guards it. */
struct hook_desc {
	struct hook_desc *hk_next;
	void		(*hk_func)(void *);	/* NULL: disestablished */
	void		*hk_arg;
};

enum khook_state {
	KHOOK_IDLE,
	KHOOK_INUSE		/* simplehook_dohooks() walks the list */
};

struct khook_list {
	kmutex_t	khl_lock;	/* guards the list */
	kcondvar_t	khl_cv;		/* a call of a hook has returned */
	enum khook_state khl_state;
	struct hook_desc *khl_first;
	struct hook_desc *khl_running;	/* hook that runs, or NULL */
	struct lwp	*khl_lwp;	/* thread that walks the list */
	unsigned	khl_ncalls;	/* calls that have returned */
	unsigned	khl_nhooks;	/* (a) established hooks */
};

/* Shutdown hooks. */
struct shutdown_hook {
	struct shutdown_hook *sh_next;
	void		(*sh_func)(void *);
	void		*sh_arg;
};

struct kspin		shutdown_lock;
static struct shutdown_hook *shutdown_first;	/* (shutdown_lock) */
static bool		shutdown_dropped;	/* list lost: see hook_fork() */
static unsigned		shutdown_atexit;	/* (a) hook_exit() registered */

__kern_public khook_list_t *
simplehook_create(int ipl, const char *wmesg)
{
	struct khook_list *khl;

	khl = kmem_zalloc(sizeof(*khl), KM_SLEEP);
	mutex_init(&khl->khl_lock, MUTEX_DEFAULT, ipl);
	cv_init(&khl->khl_cv, wmesg);
	return khl;
}

__kern_public void
simplehook_destroy(khook_list_t *khl)
{

	KASSERTMSG(khl->khl_state == KHOOK_IDLE,
	    "simplehook_destroy: list %p is in use", (void *)khl);
	KASSERTMSG(khl->khl_first == NULL,
	    "simplehook_destroy: list %p has hooks", (void *)khl);
	cv_destroy(&khl->khl_cv);
	mutex_destroy(&khl->khl_lock);
	kmem_free(khl, sizeof(*khl));
}

__kern_public khook_t *
simplehook_establish(khook_list_t *khl, void (*func)(void *), void *arg)
{
	struct hook_desc *hk;

	KASSERTMSG(func != NULL, "simplehook_establish: no function");
	hk = kmem_zalloc(sizeof(*hk), KM_SLEEP);
	hk->hk_func = func;
	hk->hk_arg = arg;
	mutex_enter(&khl->khl_lock);
	hk->hk_next = khl->khl_first;
	khl->khl_first = hk;
	atomic_store_relaxed(&khl->khl_nhooks, khl->khl_nhooks + 1);
	mutex_exit(&khl->khl_lock);
	return hk;
}

__kern_public bool
simplehook_has_hooks(khook_list_t *khl)
{

	/* Relaxed: the answer may be out of date anyway. */
	return atomic_load_relaxed(&khl->khl_nhooks) != 0;
}

/*
 * Unlink the disestablished hooks and return them.
 */
static struct hook_desc *
khook_unlink(struct khook_list *khl)
{
	struct hook_desc **hkp, *dead, *hk;

	KERN_CHECK(KASSERT(mutex_owned(&khl->khl_lock)));
	dead = NULL;
	for (hkp = &khl->khl_first; (hk = *hkp) != NULL;) {
		if (hk->hk_func != NULL) {
			hkp = &hk->hk_next;
			continue;
		}
		*hkp = hk->hk_next;
		hk->hk_next = dead;
		dead = hk;
	}
	return dead;
}

static void
khook_free(struct hook_desc *dead)
{
	struct hook_desc *hk;

	while ((hk = dead) != NULL) {
		dead = hk->hk_next;
		kmem_free(hk, sizeof(*hk));
	}
}

__kern_public int
simplehook_dohooks(khook_list_t *khl)
{
	struct hook_desc *dead, *hk;
	void (*func)(void *);
	void *arg;

	mutex_enter(&khl->khl_lock);
	if (khl->khl_state != KHOOK_IDLE) {
		mutex_exit(&khl->khl_lock);
		return EBUSY;
	}
	khl->khl_state = KHOOK_INUSE;
	khl->khl_lwp = curlwp_get();
	for (hk = khl->khl_first; hk != NULL; hk = hk->hk_next) {
		if ((func = hk->hk_func) == NULL)
			continue;
		arg = hk->hk_arg;
		khl->khl_running = hk;
		mutex_exit(&khl->khl_lock);
		(*func)(arg);
		mutex_enter(&khl->khl_lock);
		khl->khl_running = NULL;
		khl->khl_ncalls++;
		cv_broadcast(&khl->khl_cv);
	}
	dead = khook_unlink(khl);
	khl->khl_lwp = NULL;
	khl->khl_state = KHOOK_IDLE;
	mutex_exit(&khl->khl_lock);
	khook_free(dead);
	return 0;
}

/*
 * Disestablish a hook.  If another thread is calling the hook, wait until the
 * call has returned.  A hook that disestablishes itself does not wait.  The
 * waiter compares khl_ncalls and not khl_running.  When the waiter wakes, the
 * hook may be free, and khl_running may be a new hook at its address.
 */
__kern_public void
simplehook_disestablish(khook_list_t *khl, khook_t *hk, kmutex_t *lock)
{
	struct hook_desc *dead;
	unsigned ncalls;
	bool unlocked;

	KASSERTMSG(lock == NULL || mutex_owned(lock),
	    "simplehook_disestablish: the mutex is not held");
	dead = NULL;
	unlocked = false;
	mutex_enter(&khl->khl_lock);
	KASSERTMSG(hk->hk_func != NULL,
	    "simplehook_disestablish: hook %p is disestablished",
	    (void *)hk);
	hk->hk_func = NULL;
	hk->hk_arg = NULL;
	atomic_store_relaxed(&khl->khl_nhooks, khl->khl_nhooks - 1);
	if (khl->khl_state == KHOOK_IDLE)
		dead = khook_unlink(khl);
	else if (khl->khl_running == hk && khl->khl_lwp != curlwp_get()) {
		if (lock != NULL) {
			/* The hook may want this mutex. */
			mutex_exit(lock);
			unlocked = true;
		}
		ncalls = khl->khl_ncalls;
		while (khl->khl_ncalls == ncalls)
			cv_wait(&khl->khl_cv, &khl->khl_lock);
	}
	mutex_exit(&khl->khl_lock);
	khook_free(dead);
	if (unlocked)
		mutex_enter(lock);
}

/*
 * Call the shutdown hooks.  Unlink each hook before the call, so that a hook
 * that calls exit(3) or panics is not called again.
 */
__kern_public void
doshutdownhooks(void)
{
	struct shutdown_hook *sh;

	for (;;) {
		kspin_enter(&shutdown_lock);
		if ((sh = shutdown_first) != NULL)
			shutdown_first = sh->sh_next;
		kspin_exit(&shutdown_lock);
		if (sh == NULL)
			return;
		(*sh->sh_func)(sh->sh_arg);
		host_free(sh);
	}
}

/*
 * Call the shutdown hooks when the process exits.  Hold the kernel lock, as a
 * kernel does.
 */
static void
hook_exit(void)
{
	bool any;

	kspin_enter(&shutdown_lock);
	any = shutdown_first != NULL;
	kspin_exit(&shutdown_lock);
	if (!any)
		return;
	KERNEL_LOCK(1, NULL);
	doshutdownhooks();
	KERNEL_UNLOCK_ONE(NULL);
}

__kern_public void *
shutdownhook_establish(void (*func)(void *), void *arg)
{
	struct shutdown_hook *sh;

	kern_init();
	if (atomic_swap_uint(&shutdown_atexit, 1) == 0 &&
	    host_atexit(hook_exit) != 0) {
		atomic_store_relaxed(&shutdown_atexit, 0u);
		return NULL;
	}
	if ((sh = host_alloc(sizeof(*sh))) == NULL)
		return NULL;
	sh->sh_func = func;
	sh->sh_arg = arg;
	kspin_enter(&shutdown_lock);
	sh->sh_next = shutdown_first;
	shutdown_first = sh;
	kspin_exit(&shutdown_lock);
	return sh;
}

__kern_public void
shutdownhook_disestablish(void *handle)
{
	struct shutdown_hook **shp, *sh;

	kspin_enter(&shutdown_lock);
	for (shp = &shutdown_first; (sh = *shp) != NULL; shp = &sh->sh_next)
		if (sh == handle)
			break;
	if (sh != NULL)
		*shp = sh->sh_next;
	kspin_exit(&shutdown_lock);
	KASSERTMSG(sh != NULL || shutdown_dropped,
	    "shutdownhook_disestablish: %p is no hook", handle);
	host_free(sh);
}

/*
 * Drop the list in a forked child, if it may be inconsistent.
 */
void
hook_fork(struct lwp *l)
{

	(void)l;
	if (!kern_torn(&shutdown_lock))
		return;
	shutdown_first = NULL;
	shutdown_dropped = true;
}
