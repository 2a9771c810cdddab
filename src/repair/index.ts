/** `kvarium/repair`: inspect a store that may be damaged, verify it, and save what can be read of it. */
export { InspectedStore, type InspectionOptions, type InspectionPlatform } from './inspected-store.js'
export { repairStore, type RepairOptions, type RepairReport } from './repair.js'
export { verifyStore, type Finding, type VerifyOptions, type VerifyReport } from './verify.js'
