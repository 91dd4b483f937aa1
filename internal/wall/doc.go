// Package wall keeps a program that is not trusted away from what is not its own.
//
// Terraform runs the code of whoever can merge a line of it, as the user of the bot. A wall
// is raised by a program of our own that becomes the one behind it: it gives up new
// privileges, bounds its memory, has the kernel (Landlock) refuse every file that is not
// named, and only then executes. Nothing below it can take the wall down again, providers
// and provisioners included. Three rules have no exception: /proc is never granted, nor a
// folder that holds it; what may be written may not be executed; and where the wall that was
// asked for cannot be raised, the program behind it is not started.
//
// What it trusts is the kernel and whoever starts it: it is told what to grant by the
// process whose rights it has.
package wall
