/* SPDX-License-Identifier: MIT
 *
 * Loop devices and some requests of block devices for programs: linux/loop.h, linux/fs.h.
 */
#pragma once

#include <stdint.h>
#include <sys/ioctl.h>

#include <sys/mount.h> /* the others of BLK* */

#define BLKDISCARD    0x1277u
#define BLKPBSZGET    0x127bu
#define BLKSECDISCARD 0x127du
#define BLKZEROOUT    0x127fu

#define LOOP_SET_FD         0x4c00u
#define LOOP_CLR_FD         0x4c01u
#define LOOP_SET_STATUS     0x4c02u
#define LOOP_GET_STATUS     0x4c03u
#define LOOP_SET_STATUS64   0x4c04u
#define LOOP_GET_STATUS64   0x4c05u
#define LOOP_CHANGE_FD      0x4c06u
#define LOOP_SET_CAPACITY   0x4c07u
#define LOOP_SET_DIRECT_IO  0x4c08u
#define LOOP_SET_BLOCK_SIZE 0x4c09u
#define LOOP_CONFIGURE      0x4c0au
#define LOOP_CTL_ADD        0x4c80u
#define LOOP_CTL_REMOVE     0x4c81u
#define LOOP_CTL_GET_FREE   0x4c82u

#define LO_FLAGS_READ_ONLY 1u
#define LO_FLAGS_AUTOCLEAR 4u
#define LO_FLAGS_PARTSCAN  8u
#define LO_FLAGS_DIRECT_IO 16u

#define LO_NAME_SIZE 64
#define LO_KEY_SIZE  32

/* LOOP_SET_STATUS, LOOP_GET_STATUS. */
struct loop_info {
    int32_t lo_number;
    uint64_t lo_device, lo_inode, lo_rdevice;
    int32_t lo_offset, lo_encrypt_type, lo_encrypt_key_size;
    uint32_t lo_flags;
    char lo_name[LO_NAME_SIZE];
    uint8_t lo_encrypt_key[LO_KEY_SIZE];
    uint64_t lo_init[2];
    char reserved[8];
};

/* LOOP_SET_STATUS64, LOOP_GET_STATUS64. */
struct loop_info64 {
    uint64_t lo_device, lo_inode, lo_rdevice;
    uint64_t lo_offset, lo_sizelimit;
    uint32_t lo_number, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
    char lo_file_name[LO_NAME_SIZE];
    char lo_crypt_name[LO_NAME_SIZE];
    uint8_t lo_encrypt_key[LO_KEY_SIZE];
    uint64_t lo_init[2];
};

struct loop_config {
    uint32_t fd, block_size;
    struct loop_info64 info;
    uint64_t reserved[8];
};
