/** Ports between the threads of a process. */
export { MessageChannel, type MessagePort } from 'node:worker_threads'
