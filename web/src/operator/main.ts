import { ContinuumOperator } from "./continuum-operator.js";

document.body.append(new ContinuumOperator());
