/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The start of the simulator, which takes the place of main().  The process
 * executes itself again, so that each run has the same addresses, and becomes
 * the zygote.  A child of the zygote is a schedule, and calls main().
 */

#include <sys/mman.h>
#include <sys/personality.h>

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/sim.h>
#include <host/sim_main.h>

#define	PAD		16384		/* size of the initial strings */

extern char **environ;
void	sim_pthread_begin(struct sim_thread *);

int		sim_argc;
char		**sim_argv;
static int	(*main_func)(int, char **, char **);
static jmp_buf	main_child;		/* where a child begins */
static uint64_t	main_seed;		/* of the schedule of a child */

const char *
sim_env(const char *name)
{
	size_t len = strlen(name);
	char **p;

	/* A program may have a getenv(3) of its own, as shells do. */
	for (p = environ; *p != NULL; p++)
		if (strncmp(*p, name, len) == 0 && (*p)[len] == '=')
			return *p + len + 1;
	return NULL;
}

static void
main_unsetenv(const char *name)
{
	size_t len = strlen(name);
	char **p, **q;

	for (p = q = environ; *p != NULL; p++)
		if (strncmp(*p, name, len) != 0 || (*p)[len] != '=')
			*q++ = *p;
	*q = NULL;
}

/*
 * Execute the program again without random addresses.  The stack begins below
 * the arguments and the environment, so pad these strings to a fixed size.
 * Between the strings and the pointers to them, the kernel aligns the stack to
 * 16 bytes, so make the number of pointers even.  If the system refuses,
 * addresses differ between runs.
 */
static void
main_again(void)
{
	static char pad[PAD + sizeof("WQSIM_PAD=")] = "WQSIM_PAD=";
	static char even[] = "WQSIM_EVEN=";
	char path[PATH_MAX], **env, **p;
	size_t count, n, size;
	ssize_t len;
	int old;

	if (sim_env("WQSIM_PAD") != NULL)
		return;
	old = personality(0xffffffff);
	if (old == -1 || personality((unsigned long)old | ADDR_NO_RANDOMIZE) ==
	    -1)
		return;
	if ((len = readlink("/proc/self/exe", path, sizeof(path) - 1)) == -1)
		return;
	path[len] = '\0';
	count = 0;
	size = sizeof("WQSIM_PAD=");
	for (p = sim_argv; *p != NULL; p++, count++)
		size += strlen(*p) + 1;
	for (p = environ; *p != NULL; p++, count++)
		size += strlen(*p) + 1;
	if ((env = calloc(count + 3, sizeof(*env))) == NULL)
		return;
	for (n = 0; environ[n] != NULL; n++)
		env[n] = environ[n];
	if (++count % 2 != 0) {
		env[n++] = even;
		size += sizeof(even);
		count++;
	}
	env[n] = pad;
	n = PAD - (size + count * sizeof(char *)) % PAD;
	memset(pad + strlen("WQSIM_PAD="), 'x', n);
	(void)execve(path, sim_argv, env);
	free(env);
}

/*
 * Set the environment such that programs that the client executes are not
 * simulated.
 */
static void
main_environment(void)
{

	if (sim_env("WQSIM") != NULL)
		main_unsetenv("LD_PRELOAD");
	main_unsetenv("WQSIM");
	main_unsetenv("WQSIM_PAD");
	main_unsetenv("WQSIM_EVEN");
}

/*
 * Run a schedule: call main() as the first simulated thread.
 */
static int
main_schedule(uint64_t seed)
{

	sim_begin(seed);
	sim_pthread_begin(sim_self);
	if (sim.sim_set.ss_given)
		sim_report_crashes();
	return (*main_func)(sim_argc, sim_argv, environ);
}

/*
 * In a child of the zygote, jump to the place where all schedules begin.  So
 * the stack of a schedule has the same addresses, whichever function of the
 * zygote has forked.
 */
void
sim_schedule(uint64_t seed)
{

	main_seed = seed;
	longjmp(main_child, 1);
}

static int
main_instead(int argc, char **argv, char **env)
{
	struct sim_result *sr;

	sim_argc = argc;
	sim_argv = argv;
	(void)env;
	sim_settings(sim_env("WQSIM"), argc, argv);
	main_environment();
	sr = mmap(NULL, sizeof(*sr), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sr == MAP_FAILED)
		sim_fail("mmap: %s", strerror(errno));
	sim.sim_result = sr;
	main_seed = sim.sim_set.ss_seed;
	if (setjmp(main_child) == 0 && sim.sim_set.ss_given)
		sim_zygote();
	return main_schedule(main_seed);
}

int	__libc_start_main(int (*)(int, char **, char **), int, char **,
	    void (*)(void), void (*)(void), void (*)(void), void *);

/*
 * Interpose the C library's function that starts a program.  It runs all
 * constructors and then calls main().  Make it call main_instead().
 */
SIM_PUBLIC int
__libc_start_main(int (*func)(int, char **, char **), int argc, char **argv,
    void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
    void *stack_end)
{

	main_func = func;
	return SIM_REAL(__libc_start_main)(main_instead, argc, argv, init,
	    fini, rtld_fini, stack_end);
}

/*
 * An alias of the function above.  The name __libc_start_main may stand for the
 * C library's function.
 */
static __typeof__(__libc_start_main) main_start
    __attribute__((__alias__("__libc_start_main")));

/*
 * Run before the other constructors of this library.  So in a forked child the
 * scheduler's handler is called first, and the library prints nothing before
 * the program is executed again.
 */
__attribute__((__constructor__(101))) static void
main_load(int argc, char **argv)
{
	static struct sim_result result;

	sim_malloc_init();
	sim_exit_init();
	sim.sim_result = &result;
	sim.sim_pid = getpid();
	sim_argc = argc;
	sim_argv = argv;
	/*
	 * If the library was loaded by dlopen(3), it has not taken the place of
	 * main().
	 */
	if (dlsym(RTLD_DEFAULT, "__libc_start_main") ==
	    (void *)(uintptr_t)main_start)
		main_again();
	(void)pthread_atfork(NULL, NULL, sim_forked);
}
