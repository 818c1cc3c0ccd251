//go:build !headless && webkit2_41

package main

/*
#cgo linux pkg-config: gtk+-3.0 webkit2gtk-4.1
#include <gtk/gtk.h>
#include <webkit2/webkit2.h>

// A page that ends again and again is left alone: something is wrong that loading it afresh does not mend.
#define REVIVALS 5
static int revived = 0;
static gboolean watched = FALSE;

static void revive(WebKitWebView *view, WebKitWebProcessTerminationReason reason, gpointer data) {
	if (revived < REVIVALS) {
		revived++;
		webkit_web_view_reload(view);
	}
}

static void watch_in(GtkWidget *widget, gpointer data) {
	if (WEBKIT_IS_WEB_VIEW(widget)) {
		watched = TRUE;
		g_signal_connect(widget, "web-process-terminated", G_CALLBACK(revive), NULL);
	} else if (GTK_IS_CONTAINER(widget)) {
		gtk_container_forall(GTK_CONTAINER(widget), watch_in, NULL);
	}
}

static gboolean watch_all(gpointer data) {
	if (!watched) {
		GList *windows = gtk_window_list_toplevels();
		for (GList *at = windows; at != NULL; at = at->next) {
			watch_in(GTK_WIDGET(at->data), NULL);
		}
		g_list_free(windows);
	}
	return G_SOURCE_REMOVE;
}

static void revive_pages(void) { g_idle_add(watch_all, NULL); }
*/
import "C"

// revivePages makes the window load the page afresh when the process that draws it dies: the toolkit would leave an
// empty window. The engine lives in this process and does not notice. It may be called again.
func revivePages() { C.revive_pages() }
