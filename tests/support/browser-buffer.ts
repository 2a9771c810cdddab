/** For tests in a browser that name Buffer. */
export { Buffer } from 'buffer'
