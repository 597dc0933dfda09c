/* SPDX-License-Identifier: MIT
 *
 * USB keyboards.
 */
#pragma once

#include "lib/types.h"

struct usb_device;
struct usb_function;

int must_check hid_attach(struct usb_device *dev, const struct usb_function *f);
void hid_detach(struct usb_device *dev);
void hid_service(struct usb_device *dev);
