package coordinator

import "context"

// PurgeOld does what a server does at its start and once a day.
func (c *Coordinator) PurgeOld(ctx context.Context) error { return c.purgeOld(ctx) }
