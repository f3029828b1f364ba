/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Parameters of modules: see linux_module(9).
 */

#ifndef _LWQ_LINUX_MODULEPARAM_H_
#define	_LWQ_LINUX_MODULEPARAM_H_

#include <linux/init.h>
#include <linux/types.h>

/* A parameter.  Its fields belong to the library. */
struct __lwq_param {
	const char	*__p_name;
	const char	*__p_type;	/* "int" ..., or NULL for __p_old */
	const char	*__p_old;	/* of MODULE_PARM(): "1-4i" ... */
	void		*__p_var;
	size_t		 __p_size;	/* size of the variable */
	size_t		 __p_elem;	/* size of an element */
	unsigned int	*__p_count;	/* where to store their number */
	struct __lwq_param *__p_next;
	void		*__p_spare[2];	/* for later releases */
};

/* Add a parameter, and set it from the environment. */
void	lwq_param_add(struct __lwq_param *);
void	lwq_param_remove(struct __lwq_param *);

/*
 * Set parameters as on the command line of insmod(8), "name=value ...".
 * Return 0 or a negative error.
 */
int	lwq_module_params(const char *);

#define	_LWQ_PARAM(id, name, type, old, var, elem, count)		\
	static struct __lwq_param __lwq_param_##id = {			\
		.__p_name = (name),					\
		.__p_type = (type),					\
		.__p_old = (old),					\
		.__p_var = &(var),					\
		.__p_size = sizeof(var),				\
		.__p_elem = sizeof(elem),				\
		.__p_count = (unsigned int *)(void *)(count)		\
	};								\
	static void __attribute__((__constructor__))			\
	__lwq_param_add_##id(void)					\
	{								\
									\
		lwq_param_add(&__lwq_param_##id);			\
	}								\
	static void __attribute__((__destructor__))			\
	__lwq_param_remove_##id(void)					\
	{								\
									\
		lwq_param_remove(&__lwq_param_##id);			\
	}								\
	_LWQ_NOTHING

#define	module_param(v, type, mode)					\
	_LWQ_PARAM(v, #v, #type, 0, v, v, 0)
#define	module_param_named(name, v, type, mode)				\
	_LWQ_PARAM(name, #name, #type, 0, v, v, 0)
#define	module_param_string(name, v, size, mode)			\
	_LWQ_PARAM(name, #name, "string", 0, v, v, 0)
#define	module_param_array(v, type, count, mode)			\
	_LWQ_PARAM(v, #v, #type, 0, v, (v)[0], count)
#define	module_param_array_named(name, v, type, count, mode)		\
	_LWQ_PARAM(name, #name, #type, 0, v, (v)[0], count)
#define	MODULE_PARM(v, type)						\
	_LWQ_PARAM(v, #v, 0, type, v, v, 0)
#define	MODULE_PARM_DESC(v, text)	_LWQ_NOTHING

#endif	/* !_LWQ_LINUX_MODULEPARAM_H_ */
