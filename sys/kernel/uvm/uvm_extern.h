/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sources take the page size or a type from this header.  There is no virtual
 * memory to manage.
 */

#ifndef _WQK_UVM_UVM_EXTERN_H_
#define	_WQK_UVM_UVM_EXTERN_H_

#include <sys/param.h>

struct uvm_object;
struct vm_map;
struct vm_page;
struct vmspace;

typedef int		vm_prot_t;
typedef int		vm_inherit_t;
typedef int64_t		voff_t;
typedef int64_t		pgoff_t;

#define	VM_PROT_NONE	0x00
#define	VM_PROT_READ	0x01
#define	VM_PROT_WRITE	0x02
#define	VM_PROT_EXECUTE	0x04
#define	VM_PROT_ALL	(VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE)

#endif	/* !_WQK_UVM_UVM_EXTERN_H_ */
