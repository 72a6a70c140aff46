// Package pages makes a process's resident size what it needs. Its start touches much of its executable that it never needs
// again, since everything that is linked initialises itself, and the system maps more around what is touched; so a process
// gives it all back once it has started, and is given again what it does touch.
package pages
