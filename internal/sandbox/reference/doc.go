// Package reference applies the reference infrastructure, terraform/ of this
// project, to the emulated AWS: with the real provider, from a copy of the stacks,
// with its states in an emulated bucket of the control Region.
package reference
