// Package aws is the sandbox's AWS: two Regions answered by Moto, with the
// Aurora promotions, scaling ECS services and target health that Moto lacks
// (see the folder extension), a proxy in front that journals every call and can
// take a Region down, a DNS server for the emulated Route 53 zones, and the
// application's own HTTP endpoint in each Region.
//
// Start brings all of it up; Close ends it. The bot and Terraform are given
// Layout.Endpoint, the proxy. What this package itself does, seeding, feeding the
// lag metrics and reading back, goes straight to Moto and is in no journal.
package aws
